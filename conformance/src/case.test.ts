import test from 'ava';
import fc from 'fast-check';
import { TensorData } from 'torch-parity';
import { featuresOf, programArbitrary } from './arbitrary/program.ts';
import { fromJSON, toJSON } from './case.ts';
import { widthOf } from './elements.ts';
import { parameterDTypes, type Program } from './program.ts';
import { SchemaError } from './schema.ts';
import { smallProgram } from './testing/programs.ts';

test('a program comes back from its text with every bit', (t) => {
  fc.assert(
    fc.property(programArbitrary(featuresOf('2.15.0')), (program) => {
      t.deepEqual(fromJSON(toJSON(program)), program);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('NaN payloads, the sign of zero and all dtypes survive', (t) => {
  const bytes = Uint8Array.from([1, 0, 0xc0, 0xff, 0, 0, 0, 0x80]);
  const tensors = [...parameterDTypes, ...(['int32', 'int64', 'uint8'] as const)].map(
    (dtype) => new TensorData(dtype, [dtype === 'complex64' ? 1 : 64 / widthOf(dtype)], bytes),
  );
  const params = [{ tensor: parameterDTypes.indexOf('float32') }];
  const program: Program = { ...smallProgram([1], [2], 1), tensors, params, commands: [] };
  const read = fromJSON(toJSON(program));
  t.deepEqual(
    read.tensors.map(({ dtype, shape, bytes }) => ({ dtype, shape, bytes })),
    tensors.map(({ dtype, shape, bytes }) => ({ dtype, shape, bytes })),
  );
});

test('the text can be read: a line for each tensor and command, elements in decimal beside their bits', (t) => {
  const lines = toJSON(smallProgram([1.6, -16], [3], 0.5)).split('\n');
  t.true(lines.includes('    {"dtype":"float32","shape":[2],"hex":"cdcccc3d 000080bf","decimal":"0.1 -1"},'));
  t.true(lines.includes('    {"op":"step"}'));
});

/** The text of a small program (a parameter, a gradient, a step) with one part of it replaced. */
function text(part: string, by: string): string {
  const whole = toJSON(smallProgram([1], [2], 1));
  if (!whole.includes(part)) throw new Error(`${part} is not in ${whole}`);
  return whole.replace(part, by);
}

const refused: [what: string, text: string, message: RegExp][] = [
  ['is no JSON', '{"version": 1', /^case: is not JSON: /],
  ['is no object', '[]', /^case: must be an object, but got \[\]$/],
  ['lacks a key', text('"version": 1,', ''), /^case: lacks the key "version"$/],
  [
    'has an unknown key',
    text('"version"', '"seed": 1, "version"'),
    /^case: has the unknown key "seed"; known here: version, /,
  ],
  ['is of another version', text('"version": 1', '"version": 2'), /^version: must be 1, but got 2$/],
  [
    'has an unknown dtype',
    text('"dtype": "float32"', '"dtype": "int64"'),
    /^dtype: must be "float16" or "bfloat16" or "float32" or "float64" or "complex64", but got "int64"$/,
  ],
  [
    'has bytes missing',
    text('"hex":"0000803d"', '"hex":"0000"'),
    /^tensors\[0\]: .* of shape \[1\] has 4 bytes, but got 2$/,
  ],
  [
    'has no hex digits',
    text('"hex":"0000803d"', '"hex":"0x3d80"'),
    /^tensors\[0\]\.hex: must be the hex digits of bytes/,
  ],
  [
    'has a wrong shape',
    text('"shape":[1]', '"shape":[1.5]'),
    /^tensors\[0\]\.shape\[0\]: must be a whole number from 0, but got 1\.5$/,
  ],
  [
    'has a parameter of another dtype',
    text('"dtype": "float32"', '"dtype": "float64"'),
    /^params\[0\]: is float32 in a program of float64$/,
  ],
  [
    'has a tensor too few',
    text('"tensor":1', '"tensor":2'),
    /^commands\[0\]\.tensor: is 2, but there are only 2 tensors$/,
  ],
  [
    'has a parameter too few',
    text('{"param":0}', '{"param":1}'),
    /^argument\.list\[0\]\.param: is 1, but there are only 1 params$/,
  ],
  [
    'has an unknown argument',
    text('{"list":', '{"array":'),
    /^argument: must be an object with one key of "list", "set", /,
  ],
  [
    'has a plain fraction',
    text('{"float":"1"}', '0.5'),
    /^options\[0\]\[1\]: a plain number is an int; write \{"float": "0\.5"\}/,
  ],
  [
    'has an int beyond 2^53',
    text('{"float":"1"}', '9007199254740993'),
    /^options\[0\]\[1\]: .* write \{"int": "…"\}/,
  ],
  [
    'has no float in a float',
    text('{"float":"1"}', '{"float":"one"}'),
    /^options\[0\]\[1\]\.float: must be a float, such as/,
  ],
  [
    'has an option without a value',
    text('["lr",{"float":"1"}]', '["lr"]'),
    /^options\[0\]: must be a list of two, but got \["lr"\]$/,
  ],
  [
    'has an unknown command',
    text('"op":"step"', '"op":"leap"'),
    /^commands\[1\]\.op: must be "grad" or .*, but got "leap"$/,
  ],
  [
    'has an unknown edit',
    text('{"op":"step"}', '{"op":"load","from":"a","edits":[{"edit":"?"}]}'),
    /^commands\[1\]\.edits\[0\]\.edit: must be "setOption" or /,
  ],
];

for (const [what, text, message] of refused) {
  test(`a case that ${what} is refused, with the place`, (t) => {
    t.throws(() => fromJSON(text), { instanceOf: SchemaError, message });
  });
}
