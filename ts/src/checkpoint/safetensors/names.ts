import { pythonTypeOf, type PythonType } from '../../python/number.ts';
import { repr } from '../../python/repr.ts';
import { SavedKeyCheck } from '../check_keys.ts';
import { checkContainer, checkLeaf, refuse, unsupported } from '../check_value.ts';
import { UnsupportedError } from '../errors.ts';
import { extend, extentOfLeaf, type Extent } from '../extent.ts';
import { defaultLimits } from '../limits.ts';
import { pathText, type Path } from '../path.ts';
import type { StoredTensor } from '../tensor.ts';
import { entriesOf, isContainer } from '../walk.ts';
import { tensorToWrite } from '../writable.ts';
import { maxHeaderBytes, metadataName } from './dtypes.ts';

export interface NamedTensor {
  name: string;
  tensor: StoredTensor;
  /** Where it stands in the tree. */
  path: string;
}

/** A container that the walk is in, and what is known of it so far. */
interface Frame {
  container: object;
  entries: Iterator<[key: unknown, value: unknown]>;
  extent: Extent;
}

/**
 * The tensors of a tree under their names: the path joined by dots, and `~2`, `~3` … behind a name that is taken.
 *
 * Each container is walked once, however many places share it, so that the cost is linear. In the file it stands in each of these
 * places: a tree that is too large or too deep then is refused here.
 *
 * @returns them by the objects that they are in the tree, in order
 * @throws UnsupportedError for what cannot be saved: CYCLE, UNSUPPORTED_VALUE
 */
export function nameTensors(root: unknown): Map<object, NamedTensor> {
  const named = new Map<object, NamedTensor>();
  const freeName = namer();
  const keys = new SavedKeyCheck();
  // No recursion, so that a cycle is found and not followed.
  const stack: Frame[] = [];
  const open = new Set<object>();
  const done = new Map<object, Extent>();
  const path: unknown[] = [];
  const at = (): string => pathText(path);

  const checkDepth = (height: number): void => {
    if (stack.length + height <= defaultLimits.depth) return;
    const message = `containers are more than ${defaultLimits.depth} deep here: save it as .pt`;
    throw unsupported(message, at);
  };
  const add = (part: Extent): void => {
    const { extent } = stack.at(-1) as Frame;
    extend(extent, part);
    if (extent.size > maxHeaderBytes) throw headerTooLarge(extent.size);
    checkDepth(part.height);
  };
  const enter = (container: object): void => {
    if (open.has(container))
      throw unsupported('this contains itself: save it as .pt, which allows it', at, 'CYCLE');
    checkDepth(1);
    checkContainer(container, at);
    open.add(container);
    const isSet = container instanceof Set; // its members are keys, and no tensors
    const entries = isSet ? [].values() : entriesOf(container);
    stack.push({ container, entries, extent: { size: 0, height: 0 } });
    if (isSet || container instanceof Map) add(keys.check(container, (key) => pathText([...path, key])));
  };
  /** Tells the extent of a value, or enters it and tells it later. */
  const visit = (value: unknown, type: PythonType): Extent | undefined => {
    if (checkLeaf(value, type, at)) return extentOfLeaf(value);
    const object = value as object;
    const known = done.get(object);
    if (known !== undefined) return known;
    if (isContainer(object)) return void enter(object);
    const tensor = tensorToWrite(object, at);
    if (tensor === undefined) throw refuse(object, at);
    const name = freeName(path);
    named.set(object, { name, tensor, path: at() });
    const extent = extentOfLeaf(name);
    done.set(object, extent);
    return extent;
  };

  visit(root, pythonTypeOf([root], 0));
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { container, entries, extent } = top;
    const { done: isDone, value: entry } = entries.next();
    path.length = stack.length - 1;
    if (isDone) {
      stack.pop();
      open.delete(container);
      const whole = { size: extent.size, height: extent.height + 1 };
      done.set(container, whole);
      if (stack.length > 0) add(whole);
      continue;
    }
    const [key, value] = entry;
    path.push(key);
    if (typeof key === 'string' && !(container instanceof Map)) {
      checkLeaf(key, 'int', at);
      add(extentOfLeaf(key));
    }
    const part = visit(value, pythonTypeOf(container, key));
    if (part !== undefined) add(part);
  }
  return named;
}

/** Gives each path a name that no other has. */
function namer(): (path: Path) => string {
  const taken = new Set([metadataName]);
  /** Of names that were wanted again, the number behind the last. */
  const numbers = new Map<string, number>();
  return (path) => {
    const plain =
      path.length === 0 ? 'value' : path.map((key) => (typeof key === 'string' ? key : repr(key))).join('.');
    let name = plain;
    if (taken.has(plain)) {
      let i = numbers.get(plain) ?? 1;
      while (taken.has(name)) name = `${plain}~${++i}`;
      numbers.set(plain, i);
    }
    taken.add(name);
    return name;
  };
}

/** @param bytes - that the header would have at the least */
export function headerTooLarge(bytes: number): UnsupportedError {
  const message = `names, shapes and tree take ${bytes} bytes or more, and safetensors allows ${maxHeaderBytes}: save it as .pt`;
  return new UnsupportedError('UNSUPPORTED_VALUE', message, { expected: maxHeaderBytes, found: bytes });
}
