import { type DType, TensorData } from 'torch-parity';
import { floatFormats } from './arbitrary/float_format.ts';
import { isFloating, numbersOf } from './elements.ts';
import { parameterDTypes, type ParameterDType, type Program } from './program.ts';
import { programReader } from './program_form.ts';
import { fields, list, oneOf, index, type Reader, SchemaError, text } from './schema.ts';

/**
 * A program as a text that needs nothing beside it: PROTOCOL.md's JSON, with the elements of each tensor as the hex
 * digits of their little-endian bytes, so that every bit survives. `decimal` says the same to a person, and is ignored
 * where the text is read.
 */
export function toJSON(program: Program): string {
  const { tensors, commands, ...rest } = program;
  const entries = Object.entries(rest).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  const blocks = [block('tensors', tensors.map(written)), block('commands', commands)];
  return `{\n  ${[...entries, ...blocks].join(',\n  ')}\n}\n`;
}

/**
 * The program that such a text holds.
 *
 * @throws SchemaError if it holds none; the message says where in the text, and what belongs there
 */
export function fromJSON(text: string): Program {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SchemaError('case', `is not JSON: ${(error as Error).message}`);
  }
  return programReader(tensors)(json, '');
}

/** A list with one line for each item. */
function block(key: string, items: readonly unknown[]): string {
  const lines = items.map((item) => `\n    ${JSON.stringify(item)}`);
  return `${JSON.stringify(key)}: [${lines.join(',')}${lines.length > 0 ? '\n  ' : ''}]`;
}

function written(tensor: TensorData): Record<string, unknown> {
  const { dtype, shape, bytes, size } = tensor;
  const width = size === 0 ? 0 : bytes.byteLength / size;
  const hex = Array.from({ length: size }, (_, element) =>
    Buffer.from(bytes.subarray(element * width, (element + 1) * width)).toString('hex'),
  );
  return {
    dtype,
    shape,
    hex: hex.join(' '),
    decimal: numbersOf(tensor)
      .map((number) => decimal(dtype, number))
      .join(' '),
  };
}

/** The shortest text that reads back as the same number. */
function decimal(dtype: DType, number: number | bigint): string {
  if (Object.is(number, -0)) return '-0';
  if (!isFloating(dtype) || dtype === 'float64') return String(number);
  const value = Number(number);
  const format = floatFormats[dtype as ParameterDType];
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (format.nudge(short, 0) === value) return String(short); // moved by nothing, but rounded
  }
  return String(value);
}

const tensorForm = fields(
  { dtype: oneOf(...parameterDTypes, 'int32', 'int64', 'uint8'), shape: list(index()), hex: text },
  { decimal: text },
);

const tensor: Reader<TensorData> = (input, path) => {
  const { dtype, shape, hex } = tensorForm(input, path);
  const digits = hex.replaceAll(' ', '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new SchemaError(
      `${path}.hex`,
      'must be the hex digits of bytes, two for each, with spaces anywhere between',
    );
  }
  try {
    return new TensorData(dtype, shape, new Uint8Array(Buffer.from(digits, 'hex')));
  } catch (error) {
    throw new SchemaError(path, (error as Error).message);
  }
};

const tensors = list(tensor);
