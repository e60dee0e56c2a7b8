import { isDType } from '../../dtype.ts';
import { ByteArray, Complex, Counter, isSize, OrderedDict, Size, Tuple } from '../../python/collections.ts';
import { keyTypeOf, pythonTypeOf, PythonNumber } from '../../python/number.ts';
import { Device, TorchDType } from '../../python/torch_values.ts';
import { FormatError, UnsupportedError } from '../errors.ts';
import { Global, type Environment, type Place } from '../pickle/environment.ts';
import { Arguments } from './arguments.ts';
import { storageTypes } from './storage_types.ts';
import { tensorFunctions } from './tensors.ts';

/** What a persistent id names as the class of a storage. */
export const untypedStorage = 'torch.storage.UntypedStorage';

/** Names that torch's weights_only reader allows, and that have no place here. */
const unsupported = new Set([
  ...['_rebuild_sparse_tensor', '_rebuild_qtensor', '_rebuild_meta_tensor_no_storage'].map(
    (f) => `torch._utils.${f}`,
  ),
  ...['_rebuild_wrapper_subclass', '_rebuild_device_tensor_from_numpy'].map((f) => `torch._utils.${f}`),
  'torch._utils._rebuild_device_tensor_from_cpu_tensor',
  'torch.serialization._get_layout',
  'torch.storage.TypedStorage',
  ...['affine', 'symmetric'].map((scheme) => `torch.per_tensor_${scheme}`),
  ...['affine', 'symmetric', 'affine_float_qparams'].map((scheme) => `torch.per_channel_${scheme}`),
]);
const otherTensor =
  /^torch\.(cuda\.)?(sparse\.)?(BFloat16|Bool|Byte|Char|Double|Float|Half|Int|Long|Short)Tensor$/;
const otherDType =
  /^torch\.(q?u?int\d+(x\d)?|quint4x2|quint2x4|bits\d+(x\d)?|bcomplex32|float4_e2m1fn_x2|Q\w+Storage)$/;

/** The names that a file may hold: this list, and nothing beyond. */
export function globalsOf(mayTake: number): Environment['global'] {
  const globals = new Map<string, unknown>();
  const calls = { ...valueFunctions, ...tensorFunctions(mayTake) };
  for (const [name, call] of Object.entries(calls)) globals.set(name, new Global(name, call));
  for (const name of ['torch.Tensor', 'torch.nn.parameter.Parameter', untypedStorage])
    globals.set(name, new Global(name));
  for (const type of Object.keys(storageTypes)) {
    for (const module of ['torch', 'torch.cuda'])
      globals.set(`${module}.${type}`, new Global(`torch.${type}`));
  }

  return (module, name, place) => {
    // Python 2's name, which protocol 2 keeps.
    const path = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
    const known = globals.get(path);
    if (known !== undefined) return known;
    if (module === 'torch' && isDType(name)) {
      const dtype = new TorchDType(name);
      globals.set(path, dtype);
      return dtype;
    }
    throw refuse(path, place);
  };
}

/** The functions and classes that make values. */
const valueFunctions: Record<string, Global['call']> = {
  'collections.OrderedDict': (tuple, { place, setItem }) => {
    const args = new Arguments('OrderedDict', tuple, place, 0, 1);
    const dict = new OrderedDict();
    // Python 2 gives the items to the constructor.
    const items = tuple.length === 0 ? [] : args.of(0, Array, 'a list of pairs');
    for (const item of items as unknown[]) {
      if (!Array.isArray(item) || item.length !== 2) throw args.bad('a list of pairs', item, 0);
      setItem(dict, withType(item, 0), withType(item, 1));
    }
    return dict;
  },
  'collections.Counter': (tuple, { place, setItem }) => {
    const args = new Arguments('Counter', tuple, place, 0, 1);
    const counter = new Counter();
    const counts = tuple.length === 0 ? new Map<unknown, unknown>() : args.of(0, Map, 'a dict');
    for (const [key, count] of counts) {
      const type = typeof count === 'number' ? new PythonNumber(pythonTypeOf(counts, key), count) : count;
      setItem(counter, typeof key === 'number' ? new PythonNumber(keyTypeOf(counts, key), key) : key, type);
    }
    return counter;
  },
  'builtins.set': (tuple, { place, addMember }) => {
    const args = new Arguments('set', tuple, place, 0, 1);
    const set = new Set();
    const members = tuple.length === 0 ? [] : (args.of(0, Array, 'a list') as unknown[]);
    members.forEach((_, i) => addMember(set, withType(members, i)));
    return set;
  },
  'builtins.bytearray': (tuple, { place }) => {
    const args = new Arguments('bytearray', tuple, place, 0, 1, 2);
    if (tuple.length === 0) return new ByteArray();
    return new ByteArray(tuple.length === 2 ? latin1(args) : args.of(0, Uint8Array, 'bytes'));
  },
  'builtins.bytes': (tuple, { place }) => {
    new Arguments('bytes', tuple, place, 0);
    return new Uint8Array();
  },
  '_codecs.encode': (tuple, { place }) => latin1(new Arguments('_codecs.encode', tuple, place, 2)),
  'builtins.complex': (tuple, { place }) => {
    const args = new Arguments('complex', tuple, place, 2);
    const [re, im] = tuple;
    if (typeof re !== 'number' || typeof im !== 'number') throw args.bad('two numbers', tuple);
    return new Complex(re, im);
  },
  'torch.Size': (tuple, { place }) => {
    const args = new Arguments('torch.Size', tuple, place, 0, 1);
    const sizes: unknown[] = tuple.length === 0 ? [] : args.of(0, Tuple, 'a tuple');
    const size = new Size();
    for (const [i, entry] of sizes.entries()) {
      if (!isSize(entry) || pythonTypeOf(sizes, i) !== 'int') throw args.bad('a tuple of sizes', entry, 0);
      size.push(entry);
    }
    return size;
  },
  'torch.device': (tuple, { place }) => {
    const args = new Arguments('torch.device', tuple, place, 1, 2);
    const [, type, ownIndex] = /^([a-z]+)(?::(\d{1,9}))?$/.exec(args.string(0)) ?? [];
    if (type === undefined) throw args.bad('a device', args.at(0), 0);
    if (tuple.length === 2) return new Device(type, args.size(1));
    return new Device(type, ownIndex === undefined ? null : Number(ownIndex));
  },
};

/** An entry of an array with the type of its number. */
function withType(array: unknown[], index: number): unknown {
  const entry = array[index];
  return typeof entry === 'number' ? new PythonNumber(pythonTypeOf(array, index), entry) : entry;
}

/** Bytes as protocol 2 has them: a string of their values. */
function latin1(args: Arguments): Uint8Array {
  const text = args.string(0);
  if (!['latin1', 'latin-1'].includes(args.string(1))) throw args.bad('latin1', args.at(1), 1);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw args.bad('characters up to 255', code, 0);
    bytes[i] = code;
  }
  return bytes;
}

function refuse(path: string, place: Place): FormatError | UnsupportedError {
  const details = { ...place(), key: path };
  if (otherDType.test(path))
    return new UnsupportedError(
      'UNSUPPORTED_DTYPE',
      `${path} is not supported: convert it in Python before saving`,
      details,
    );
  if (unsupported.has(path) || otherTensor.test(path)) {
    return new UnsupportedError(
      'UNSUPPORTED_GLOBAL',
      `${path} is not supported: in Python, save dense tensors on the CPU instead`,
      details,
    );
  }
  return new FormatError(
    'FORBIDDEN_GLOBAL',
    `the file wants Python's ${path}, and no code of a file is run: in Python, save state_dict() and plain values instead of objects`,
    details,
  );
}
