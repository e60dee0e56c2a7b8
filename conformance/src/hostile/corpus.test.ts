import test, { type ExecutionContext } from 'ava';
import { load, type FormatCode, type FormatError, type UnsupportedCode } from 'torch-parity/checkpoint';
import { corpus } from './corpus.ts';
import { classOf, type Code } from './hostile_file.ts';
import { readAll } from './read_all.ts';

/** All codes of a reader; what only a writer gives is left out. */
const codes: Record<FormatCode | Exclude<UnsupportedCode, 'TARGET' | 'CYCLE'> | 'LIMIT', 1> = {
  ...{ NOT_A_CHECKPOINT: 1, TRUNCATED: 1, TRAILING_BYTES: 1 },
  ...{ ZIP_DIRECTORY: 1, ZIP_NAME: 1, ZIP_DUPLICATE: 1, ZIP_RANGE: 1, ZIP_HEADER: 1 },
  ...{ ZIP_COMPRESSED: 1, ZIP_ENCRYPTED: 1, ZIP_CRC: 1 },
  ...{ MISSING_RECORD: 1, BAD_VERSION: 1, BAD_BYTE_ORDER: 1, STORAGE_SIZE: 1, LEGACY: 1 },
  ...{ PICKLE_PROTOCOL: 1, PICKLE_OPCODE: 1, PICKLE_STACK: 1, PICKLE_MEMO: 1, PICKLE_TEXT: 1 },
  ...{ PICKLE_TYPE: 1, PICKLE_KEY: 1, FORBIDDEN_GLOBAL: 1, BAD_ARGUMENTS: 1 },
  ...{ TENSOR_SHAPE: 1, TENSOR_RANGE: 1 },
  ...{ HEADER_SIZE: 1, HEADER_JSON: 1, HEADER_ENTRY: 1, DATA_OFFSETS: 1, TREE: 1 },
  ...{ UNSUPPORTED_GLOBAL: 1, UNSUPPORTED_DTYPE: 1, UNSUPPORTED_FORMAT: 1, UNSUPPORTED_VALUE: 1, LIMIT: 1 },
};

const secondMs = 1000;
const prototype = Object.getOwnPropertyNames(Object.prototype);
const peakMB = (): number => process.resourceUsage().maxRSS / 1024;
const peakBefore = peakMB();

/** The milliseconds of processor time that a call takes: those of other processes do not count. */
async function timed(call: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** An error says where: in which file always, and in which record or at which byte, where it is about one. */
function checkPlace(t: ExecutionContext, { code, details }: FormatError): void {
  t.is(details.file, 'bytes');
  if (code.startsWith('PICKLE_')) t.is(typeof details.offset, 'number');
  if (/^ZIP_(DUPLICATE|RANGE|HEADER|COMPRESSED|ENCRYPTED|CRC)$|^MISSING_RECORD$/.test(code))
    t.is(typeof details.record, 'string');
  if (code.endsWith('_GLOBAL') || (code as Code) === 'LIMIT') t.is(typeof details.key, 'string');
}

test('every file has a name of its own, and every code of a reader has a file', (t) => {
  t.true(corpus.length >= 60);
  t.is(new Set(corpus.map(({ name }) => name)).size, corpus.length);
  const met = new Set(corpus.map(({ code }) => code));
  t.deepEqual(
    Object.keys(codes).filter((code) => !met.has(code as Code)),
    [],
  );
});

for (const { name, attacks, build, code, loads, limits, eagerly } of corpus) {
  test.serial(`${name}: ${attacks}`, async (t) => {
    const file = build();
    const copy = file.slice();
    for (const read of eagerly ? [load] : [load, readAll]) {
      const took = await timed(async () => {
        if (code === undefined) {
          const value = await read(file, limits ? { limits } : {});
          if (read === load) t.true(loads!(value));
          return;
        }
        const error = await t.throwsAsync(read(file, limits ? { limits } : {}));
        t.like(error, { name: classOf(code), code }, error?.stack);
        checkPlace(t, error as unknown as FormatError);
      });
      t.true(took < secondMs, `${read.name} took ${took} ms`);
    }
    t.deepEqual(file, copy, 'the file was written to');
  });
}

test.serial('none of them took much memory, or changed what every object has', (t) => {
  const grown = peakMB() - peakBefore;
  t.true(grown < 256, `the peak grew by ${grown} MB`);
  t.deepEqual(Object.getOwnPropertyNames(Object.prototype), prototype);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
});
