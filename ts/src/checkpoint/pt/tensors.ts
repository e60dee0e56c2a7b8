import { itemSizes, type DType } from '../../dtype.ts';
import { isSize, OrderedDict, Tuple } from '../../python/collections.ts';
import { pythonTypeOf } from '../../python/number.ts';
import { TorchDType } from '../../python/torch_values.ts';
import { FormatError, UnsupportedError } from '../errors.ts';
import { reach } from '../gather.ts';
import { LazyTensor } from '../lazy_tensor.ts';
import { Global, type CallContext, type Place } from '../pickle/environment.ts';
import type { FileStorage } from '../storage.ts';
import { Arguments } from './arguments.ts';

/** A storage as a persistent id gives it: some bytes of a storage, as elements of a dtype. */
export class TypedStorage {
  readonly storage: FileStorage;
  /** uint8 for an UntypedStorage. */
  readonly dtype: DType;
  /** Bytes of `storage` before it; more than 0 in legacy streams only. */
  readonly start: number;
  readonly byteLength: number;
  constructor(storage: FileStorage, dtype: DType, start = 0, byteLength: number = storage.byteLength) {
    this.storage = storage;
    this.dtype = dtype;
    this.start = start;
    this.byteLength = byteLength;
  }
}

/**
 * torch's functions that make tensors, by their names. Their arguments are checked here and nowhere else, so that no tensor reaches
 * beyond its storage.
 *
 * @param mayTake - bytes that one tensor may take whose elements do not lie in row-major order
 */
export function tensorFunctions(mayTake: number): Record<string, Global['call']> {
  const rebuild = (args: Arguments, dtype: DType, requiresGrad: boolean, place: Place): LazyTensor => {
    const typed = args.of(0, TypedStorage, 'a storage');
    const [item, offset] = [itemSizes[dtype], args.at(1)];
    const [shape, stride] = [sizes(args.at(2)), sizes(args.at(3))];
    const first = typed.start / item;
    if (
      !isSize(offset) ||
      shape === undefined ||
      stride?.length !== shape.length ||
      !isSize(bytesOf(shape, item))
    ) {
      throw new FormatError('TENSOR_SHAPE', 'a tensor has an impossible shape, stride or offset', {
        ...place(),
        found: { shape: args.at(2), stride: args.at(3), offset },
      });
    }
    const end = shape.includes(0) ? 0 : offset + reach({ dtype, shape, stride });
    // Beyond 2^53 the sum is rounded, and too large all the same.
    if (end * item > typed.byteLength || !Number.isInteger(first)) {
      throw new FormatError(
        'TENSOR_RANGE',
        `a tensor needs ${end * item} bytes of a storage of ${typed.byteLength}`,
        { ...place(), expected: typed.byteLength, found: end * item },
      );
    }
    const layout = { storage: typed.storage, offset: first + offset, stride, requiresGrad, parameter: false };
    return new LazyTensor(dtype, shape, layout, mayTake);
  };

  const functions: Record<string, Global['call']> = {
    'torch._utils._rebuild_tensor': (tuple, { place }) => {
      const args = new Arguments('_rebuild_tensor', tuple, place, 4);
      return rebuild(args, args.of(0, TypedStorage, 'a storage').dtype, false, place);
    },
    'torch._utils._rebuild_tensor_v2': (tuple, { place }) => {
      const args = new Arguments('_rebuild_tensor_v2', tuple, place, 6, 7);
      noHooks(args, 5);
      noMetadata(args, 6, place);
      return rebuild(args, args.of(0, TypedStorage, 'a storage').dtype, args.bool(4), place);
    },
    'torch._utils._rebuild_tensor_v3': (tuple, { place }) => {
      const args = new Arguments('_rebuild_tensor_v3', tuple, place, 7, 8);
      noHooks(args, 5);
      noMetadata(args, 7, place);
      return rebuild(args, args.of(6, TorchDType, 'a dtype').name, args.bool(4), place);
    },
    'torch._utils._rebuild_parameter': (tuple, { place }) => {
      const args = new Arguments('_rebuild_parameter', tuple, place, 3);
      noHooks(args, 2);
      return parameter(args);
    },
    'torch._utils._rebuild_parameter_with_state': (tuple, { place }) => {
      const args = new Arguments('_rebuild_parameter_with_state', tuple, place, 4);
      noHooks(args, 2);
      noAttributes(args, 3, place);
      return parameter(args);
    },
    'torch._tensor._rebuild_from_type_v2': (tuple, context: CallContext) => {
      const args = new Arguments('_rebuild_from_type_v2', tuple, context.place, 4);
      const { call, name } = args.of(0, Global, 'a function');
      if (call === undefined || !(name in functions))
        throw args.bad('a function that makes a tensor', name, 0);
      noAttributes(args, 3, context.place);
      return call(args.of(2, Tuple, 'a tuple'), context);
    },
  };

  const parameter = (args: Arguments): LazyTensor => {
    const data = args.of(0, LazyTensor, 'a tensor');
    return new LazyTensor(
      data.dtype,
      data.shape,
      { ...data, requiresGrad: args.bool(1), parameter: true },
      mayTake,
    );
  };
  return functions;
}

/** A tuple of sizes as an array; undefined for anything else. */
function sizes(value: unknown): number[] | undefined {
  if (!(value instanceof Tuple)) return undefined;
  const sizes = new Array<number>(value.length);
  for (let i = 0; i < value.length; i++) {
    const size = value[i];
    if (!isSize(size) || pythonTypeOf(value, i) !== 'int') return undefined;
    sizes[i] = size;
  }
  return sizes;
}

/** The bytes of a shape: no size where a product passes 2^53, also if another dimension is 0. */
function bytesOf(shape: readonly number[], item: number): number {
  return shape.reduce((product, size) => product * Math.max(size, 1), item);
}

function noHooks(args: Arguments, index: number): void {
  const hooks = args.at(index);
  if (hooks === null || (hooks instanceof OrderedDict && hooks.size === 0)) return;
  throw args.bad('an empty OrderedDict', hooks, index);
}

/** Views that torch conjugates or negates when it computes with them, and that stand in a file as they were before. */
function noMetadata(args: Arguments, index: number, place: Place): void {
  const metadata = args.at(index);
  if (metadata === undefined || metadata === null) return;
  if (!(metadata instanceof Map)) throw args.bad('a dict', metadata, index);
  for (const [key, on] of metadata) {
    if (on === false) continue;
    const name = typeof key === 'string' ? key : typeof key;
    throw new UnsupportedError(
      'UNSUPPORTED_VALUE',
      `a tensor is a lazy view (${name}): save t.resolve_conj().resolve_neg() instead`,
      { ...place(), key: name },
    );
  }
}

function noAttributes(args: Arguments, index: number, place: Place): void {
  const state = args.at(index);
  if (state === null || (state instanceof Map && state.size === 0)) return;
  const [name] = state instanceof Map ? state.keys() : [];
  throw new UnsupportedError(
    'UNSUPPORTED_VALUE',
    'a tensor has Python attributes: save t.detach(), which has none, or the state_dict()',
    { ...place(), ...(typeof name === 'string' && { key: name }) },
  );
}
