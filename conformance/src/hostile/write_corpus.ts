import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from './corpus.ts';

// Writes the corpus into a folder, with an index: node conformance/dist/hostile/write_corpus.js DIR
const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node conformance/dist/hostile/write_corpus.js DIR');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const index = corpus.map(({ name, attacks, code, build }) => {
  const file = build();
  writeFileSync(join(folder, name), file);
  return { name, attacks, expected: code ?? 'loads', bytes: file.length };
});
writeFileSync(join(folder, 'index.json'), `${JSON.stringify(index, undefined, 1)}\n`);
console.log(`${index.length} files and index.json in ${folder}`);
