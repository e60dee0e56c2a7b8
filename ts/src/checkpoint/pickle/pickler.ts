import { ByteArray, Complex, Counter, OrderedDict, Size, Tuple } from '../../python/collections.ts';
import { isPlainObject } from '../../python/copy.ts';
import { keyTypeOf, PythonNumber, pythonTypeOf, type PythonType } from '../../python/number.ts';
import { Device, TorchDType } from '../../python/torch_values.ts';
import { SavedKeyCheck } from '../check_keys.ts';
import { checkContainer, checkLeaf, refuse, unsupported } from '../check_value.ts';
import { pathText } from '../path.ts';
import type { Storage } from '../storage.ts';
import { isContainer } from '../walk.ts';
import { tensorToWrite } from '../writable.ts';
import { PickleOutput } from './output.ts';
import { allows, meaningOf, type Target } from './target.ts';
import { hasTypedStorage, TensorPickler } from './tensor.ts';
import { writeBytes, writeComplex, writeDevice } from './values.ts';

/**
 * The pickle that torch.save writes of a value, with what CPython's pickler would choose wherever there is a choice; a str
 * that occurs again comes from the memo, as if Python had interned it.
 *
 * @returns the pickle, and the storages that it refers to: the one at index i has the key i
 * @throws UnsupportedError for what Python, or torch's weights_only reader of the target, has nothing for
 */
export function pickle(value: unknown, target: Target): { bytes: Uint8Array; storages: Storage[] } {
  return new Pickler(target).run(value);
}

/** The writing of a container: yields the writing of each container in it, to be done before it goes on. */
type Work = Generator<Work, void, undefined>;

type Entry = [key: unknown, value: unknown];

/** How many items Python writes with one opcode. */
const batchSize = 1000;

class Pickler {
  readonly #target: Target;
  readonly #out = new PickleOutput((module, name) => this.#checkName(module, name));
  readonly #tensors = new TensorPickler(this.#out);
  readonly #memo = new Map<object, number>();
  readonly #keyCheck = new SavedKeyCheck();
  /** Containers that Python makes only after what is in them, so that they cannot be in themselves. */
  readonly #unmade = new Set<object>();
  /** Containers inside each other, and the key at which each is now. No recursion: depth has no limit. */
  readonly #stack: Work[] = [];
  readonly #keys: unknown[] = [];

  constructor(target: Target) {
    this.#target = target;
  }

  run(value: unknown): { bytes: Uint8Array; storages: Storage[] } {
    let work = this.#save(value, pythonTypeOf([value], 0));
    for (;;) {
      if (work !== undefined) this.#stack.push(work);
      const top = this.#stack.at(-1);
      if (top === undefined) break;
      const next = top.next();
      if (next.done) this.#stack.pop();
      work = next.done ? undefined : next.value;
    }
    return { bytes: this.#out.finish(), storages: this.#tensors.storages };
  }

  /** Writes a value, or gives the work that it is if it is a container. */
  #save(value: unknown, type: PythonType): Work | undefined {
    checkLeaf(value, type, this.#path);
    switch (typeof value) {
      case 'boolean':
        return void this.#out.bool(value);
      case 'string':
        return void this.#out.text(value);
      case 'bigint':
        return void this.#out.int(value);
      case 'number':
        return void (type === 'float' ? this.#out.float(value) : this.#out.int(value));
      default:
        return value === null ? void this.#out.op('NONE') : this.#object(value as object);
    }
  }

  #object(value: object): Work | undefined {
    if (value instanceof PythonNumber) return this.#save(value.value, value.type);
    if (value instanceof TorchDType) return void this.#out.global('torch', value.name);
    const index = this.#memo.get(value);
    if (index !== undefined) return void this.#out.get(index);
    if (isContainer(value)) checkContainer(value, this.#path);
    if (Array.isArray(value)) return this.#array(value);
    if (value instanceof Map) return this.#map(value);
    if (isPlainObject(value)) return this.#dict(value, Object.entries(value));
    if (value instanceof Set) return this.#set(value);
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (value instanceof Complex) return void this.#memo.set(value, writeComplex(this.#out, value));
    if (value instanceof Device) return void this.#memo.set(value, writeDevice(this.#out, value));
    return this.#tensor(value);
  }

  #tensor(value: object): undefined {
    const tensor = tensorToWrite(value, this.#path);
    if (tensor === undefined) throw refuse(value, this.#path);
    if (tensor.requiresGrad && !tensor.parameter && !hasTypedStorage(tensor.dtype)) {
      const what = `torch cannot load a plain tensor of ${tensor.dtype} that requires a gradient: save it with requiresGrad false, or as a parameter`;
      throw unsupported(what, this.#path);
    }
    const index = this.#tensors.save(tensor);
    if (index === undefined) {
      const what = 'torch saves no storage of which tensors have different dtypes: clone one of them';
      throw unsupported(what, this.#path);
    }
    this.#memo.set(value, index);
  }

  #array(array: unknown[]): Work | undefined {
    if (array instanceof Size) return this.#size(array);
    if (!(array instanceof Tuple)) return this.#list(array);
    return array.length === 0 ? void this.#out.op('EMPTY_TUPLE') : this.#tuple(array);
  }

  #map(map: Map<unknown, unknown>): Work {
    if (map instanceof OrderedDict) return this.#orderedDict(map);
    return map instanceof Counter ? this.#counter(map) : this.#dict(map, [...map]);
  }

  *#list(array: unknown[]): Work {
    this.#out.op('EMPTY_LIST');
    this.#memo.set(array, this.#out.put());
    yield* this.#append(array.length, (i) => this.#item(array, i));
  }

  *#append(count: number, save: (i: number) => Work | undefined): Work {
    for (let start = 0; start < count; start += batchSize) {
      if (count > 1) this.#out.op('MARK');
      for (let i = start; i < Math.min(start + batchSize, count); i++) {
        const work = save(i);
        if (work) yield work;
      }
      this.#out.op(count > 1 ? 'APPENDS' : 'APPEND');
    }
  }

  *#tuple(tuple: Tuple): Work {
    this.#begin(tuple);
    yield* this.#tupleItems(tuple);
    this.#made(tuple, this.#out.tuple(tuple.length));
  }

  *#tupleItems(tuple: Tuple): Work {
    if (tuple.length > 3) this.#out.op('MARK');
    for (let i = 0; i < tuple.length; i++) {
      const work = this.#item(tuple, i);
      if (work) yield work;
    }
  }

  *#size(size: Size): Work {
    this.#begin(size);
    this.#out.global('torch', 'Size');
    yield* this.#tupleItems(size);
    if (size.length === 0) this.#out.op('EMPTY_TUPLE');
    else this.#out.tuple(size.length);
    this.#out.tuple(1);
    this.#made(size, this.#out.reduce());
  }

  *#set(set: Set<unknown>): Work {
    this.#begin(set);
    this.#checkKeys(set);
    this.#out.global('__builtin__', 'set');
    this.#out.op('EMPTY_LIST');
    this.#out.put();
    const members = [...set];
    yield* this.#append(members.length, (i) => this.#key(set, members[i]));
    this.#out.tuple(1);
    this.#made(set, this.#out.reduce());
  }

  *#dict(dict: object, entries: Entry[]): Work {
    this.#out.op('EMPTY_DICT');
    this.#memo.set(dict, this.#out.put());
    yield* this.#dictItems(dict, entries);
  }

  *#dictItems(dict: object, entries: Entry[]): Work {
    yield* this.#setItems(dict, entries, entries.length === 1);
    if (entries.length > 0 && entries.length % batchSize === 0) {
      // After a full batch CPython begins another before it sees that there is no more.
      this.#out.op('MARK');
      this.#out.op('SETITEMS');
    }
  }

  *#orderedDict(dict: OrderedDict): Work {
    this.#out.global('collections', 'OrderedDict');
    this.#out.op('EMPTY_TUPLE');
    this.#memo.set(dict, this.#out.reduce());
    // CPython goes over this one by an iterator, and so sees whether a single entry is left.
    yield* this.#setItems(dict, [...dict], dict.size % batchSize === 1);
    const { attributes } = dict;
    if (attributes === undefined || attributes.size === 0) return;
    this.#at('attributes');
    yield this.#dict(attributes, [...attributes]);
    this.#out.op('BUILD');
  }

  *#counter(counter: Counter): Work {
    this.#begin(counter);
    this.#out.global('collections', 'Counter');
    this.#out.op('EMPTY_DICT');
    this.#out.put();
    yield* this.#dictItems(counter, [...counter]);
    this.#out.tuple(1);
    this.#made(counter, this.#out.reduce());
  }

  /** @param single - whether a last batch of one entry is written as one */
  *#setItems(dict: object, entries: Entry[], single: boolean): Work {
    if (dict instanceof Map) this.#checkKeys(dict);
    for (let start = 0; start < entries.length; start += batchSize) {
      const batch = entries.slice(start, start + batchSize);
      const alone = single && batch.length === 1;
      if (!alone) this.#out.op('MARK');
      for (const [key, value] of batch) {
        const keyWork = this.#key(dict, key);
        if (keyWork) yield keyWork;
        const work = this.#save(value, typeof value === 'number' ? pythonTypeOf(dict, key) : 'int');
        if (work) yield work;
      }
      this.#out.op(alone ? 'SETITEM' : 'SETITEMS');
    }
  }

  #bytes(bytes: Uint8Array): undefined {
    if (bytes.length === 0 && !(bytes instanceof ByteArray)) {
      const what = "torch's weights_only reader refuses empty bytes: save None or a bytearray";
      throw unsupported(what, this.#path);
    }
    this.#memo.set(bytes, writeBytes(this.#out, bytes));
  }

  #item(array: unknown[], i: number): Work | undefined {
    this.#at(i);
    return this.#save(array[i], typeof array[i] === 'number' ? pythonTypeOf(array, i) : 'int');
  }

  /** A key of a dict, or a member of a set. */
  #key(container: object, key: unknown): Work | undefined {
    this.#at(key);
    return this.#save(key, typeof key === 'number' ? keyTypeOf(container, key) : 'int');
  }

  #checkKeys(container: Map<unknown, unknown> | Set<unknown>): void {
    this.#keyCheck.check(container, (key) => {
      this.#at(key);
      return this.#path();
    });
  }

  #checkName(module: string, name: string): void {
    if (allows(this.#target, module, name)) return;
    const meaning = meaningOf(module, name);
    const what = `torch ${this.#target} reads no ${meaning} with weights_only=True: leave it out, or save for 2.15`;
    throw unsupported(what, this.#path, 'TARGET', { key: meaning });
  }

  #begin(container: object): void {
    if (this.#unmade.has(container)) {
      throw unsupported(
        'this contains itself, which Python can make of lists and dicts alone',
        this.#path,
        'CYCLE',
      );
    }
    this.#unmade.add(container);
  }

  #made(container: object, index: number): void {
    this.#unmade.delete(container);
    this.#memo.set(container, index);
  }

  /** Says at which key or index the container on top of the stack is. */
  #at(key: unknown): void {
    this.#keys[this.#stack.length - 1] = key;
  }

  readonly #path = (): string => pathText(this.#keys.slice(0, this.#stack.length));
}
