import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { natural } from '../../commands/integer.ts';
import { findPython } from '../../oracle_process.ts';
import { Progress } from '../../report/progress.ts';
import { runBenchmark } from '../run.ts';
import { chart } from './chart.ts';
import { caseTexts, measureCase, type CaseName, type Row } from './measure.ts';
import { table } from './table.ts';
import { startNode, startPython } from './worker.ts';

const usage = `usage: node conformance/dist/bench/checkpoint/main.js [options]

Measures reading, lazy opening and writing of checkpoints, against torch.load, torch.save and safetensors in the same
run. Writes build/bench/checkpoint.json and checkpoint.svg.

  --rounds N       rounds, in which all take turns; times are their medians (5)
  --small          small files: whether it runs, not how fast
  --python PATH    a Python that has torch and safetensors`;

const options = {
  rounds: { type: 'string', default: '5' },
  small: { type: 'boolean', default: false },
  python: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** The largest case has two files of 1.2 GB, and writes another. */
const diskGB = 5;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) return console.log(usage);
  const rounds = natural('--rounds', values.rounds);
  const python = findPython(values.python);
  const build = join('build', 'bench');
  mkdirSync(build, { recursive: true });
  const { bavail, bsize } = statfsSync(build);
  const freeGB = (bavail * bsize) / 1e9;
  if (!values.small && freeGB < diskGB)
    throw new Error(
      `the files take ${diskGB} GB, and ${build} has ${freeGB.toFixed(1)} GB: make room, or try --small`,
    );

  const folder = mkdtempSync(join(build, 'checkpoint-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const progress = new Progress();
  const onProgress = (text: string): void => progress.show(text);
  await using node = startNode();
  await using theirs = startPython(python);
  const workers = { node, python: theirs };
  const rows: Row[] = [];
  for (const name of Object.keys(caseTexts) as CaseName[])
    rows.push(
      ...(await measureCase(name, { python, workers, folder, small: values.small, rounds, onProgress })),
    );
  progress.clear();
  const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, node ${process.versions.node}`;
  const report = { machine, rounds, small: values.small, rows };
  writeFileSync(join(build, 'checkpoint.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(
    join(build, 'checkpoint.svg'),
    chart(rows, 'Checkpoints: time of torch or safetensors / time here'),
  );
  console.log(table(rows));
  console.log(`ratio: their time / the time here, medians of ${rounds} rounds; ${machine}`);
}

await runBenchmark(main);
