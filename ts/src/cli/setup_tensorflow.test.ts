import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const realPython = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).stdout.trim();

interface Machine {
  /** Programs on PATH: a path to link to, or the text of a script. */
  programs?: Record<string, string>;
  env?: Record<string, string>;
  /** The largest file that may be written, in KiB. */
  fileLimit?: number;
}

/** Runs set-up with an empty cache, and gives what it wrote and what it left. */
function setUp({ programs, env, fileLimit }: Machine): {
  status: number | null;
  lines: string[];
  left: string[];
} {
  const directory = mkdtempSync(join(tmpdir(), 'torch-parity-setup-'));
  try {
    const bin = join(directory, 'bin');
    const home = join(directory, 'home');
    mkdirSync(bin);
    mkdirSync(home);
    for (const [name, program] of Object.entries(programs ?? {})) {
      if (program.startsWith('/')) symlinkSync(program, join(bin, name));
      else {
        writeFileSync(join(bin, name), program);
        chmodSync(join(bin, name), 0o755);
      }
    }
    const limit = fileLimit === undefined ? '' : `ulimit -f ${fileLimit};`;
    const script = `${limit} exec "${process.execPath}" "${main}" setup-tensorflow`;
    const { status, stderr } = spawnSync('/bin/bash', ['-c', script], {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...(programs && { PATH: bin }),
        TF_FLAVOR: 'cpu',
        TORCH_PARITY_HOME: home,
        PYTHON: '',
        PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
        PIP_FIND_LINKS: '',
        PIP_RETRIES: '0',
        ...env,
      },
    });
    return { status, lines: stderr.trim().split('\n'), left: readdirSync(home) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const compiler = '#!/bin/sh\necho g++ 12\n';
const pythonWithout = (module: string): string =>
  `#!/bin/sh\nexec ${realPython} -c 'import sys; sys.modules["${module}"] = None; exec(sys.argv[1])' "$2"\n`;

const missing: [what: string, machine: Machine, line: RegExp][] = [
  ['g++', { programs: { python3: realPython } }, /^torch-parity: g\+\+ is missing: sudo apt install g\+\+$/],
  [
    'Python',
    { programs: { 'g++': compiler } },
    /^torch-parity: python3 is missing .*: sudo apt install python3 /,
  ],
  [
    'the venv module',
    { programs: { 'g++': compiler, python3: pythonWithout('ensurepip') } },
    /^torch-parity: python3 lacks the venv module: sudo apt install python3-venv$/,
  ],
  [
    'a flavor that exists',
    { env: { TF_FLAVOR: 'rocm' } },
    /^torch-parity: TF_FLAVOR is "rocm": set it to cpu or gpu/,
  ],
];
for (const [what, machine, line] of missing) {
  test(`without ${what} it ends with one line that says what to do`, (t) => {
    const { status, lines, left } = setUp(machine);
    t.is(status, 1);
    t.is(lines.length, 1);
    t.regex(lines[0]!, line);
    t.deepEqual(left, []);
  });
}

test('without a network it ends with a line that says so, and leaves nothing', (t) => {
  const { status, lines, left } = setUp({});
  t.is(status, 1);
  t.regex(lines.at(-1)!, /^torch-parity: no network: /);
  t.deepEqual(left, []);
});

test('on a full disk it ends with a line that says so, and leaves nothing', (t) => {
  const { status, lines, left } = setUp({ fileLimit: 10 });
  t.is(status, 1);
  t.regex(lines.at(-1)!, /^torch-parity: the disk is full: /);
  t.deepEqual(left, []);
});

test('where all is set up it does nothing', (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'setup-tensorflow'], {
    encoding: 'utf8',
  });
  t.is(stderr, '');
  t.is(status, 0);
  t.regex(stdout, /^TensorFlow \((cpu|gpu): .+\) is set up in .+\n$/);
});
