import { bytes } from '../hostile/bytes.ts';
import { edgeIntegers } from './edges.ts';
import type { Edit } from './edit.ts';
import type { Random } from './random.ts';

const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[{}[\],:]|true|false|null/g;
const words = [
  ...['{', '}', '[', ']', ',', ':', 'null', 'true', '1.5', '1e400', '-0', '""', '"__proto__"', '"\\ud800"'],
  ...[
    '"__metadata__"',
    '"dtype"',
    '"shape"',
    '"data_offsets"',
    '"F32"',
    '"F64"',
    '"BOOL"',
    '"F4"',
    '[0,0]',
    '{}',
  ],
  ...['"torch_parity.tree"', '{"tensor":"a"}', '{"dict":[]}', '{"tuple":[]}', '{"int":"1"}', '{"float":"x"}'],
];

/** Changes JSON by a token. */
export function mutateJson(file: Uint8Array, random: Random): Edit | undefined {
  const text = Buffer.from(file).toString('latin1'); // a character a byte
  const tokens = [...text.matchAll(token)];
  if (tokens.length === 0) return undefined;
  const { 0: old, index: at } = random.pick(tokens);
  const from = random.below(tokens.length);
  const run = tokens.slice(from, from + 1 + random.below(8));
  const replacement = random.pick([
    bytes(random.pick(words)),
    bytes(String(random.pick(edgeIntegers))),
    Buffer.from(run.map(([each]) => each).join(''), 'latin1'),
    bytes(),
  ]);
  return { at, remove: random.pick([0, old.length]), insert: new Uint8Array(replacement) };
}
