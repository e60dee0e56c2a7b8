import { Complex } from '../../python/collections.ts';
import { isPlainObject } from '../../python/copy.ts';
import { PythonKeys } from '../../python/keys.ts';
import { PythonNumber, pythonTypeOf, type PythonType } from '../../python/number.ts';
import { repr } from '../../python/repr.ts';
import { Device, TorchDType } from '../../python/torch_values.ts';
import { checkInt, checkKeys, checkPlainObject, checkText, refuse } from '../check_value.ts';
import { UnsupportedError, type UnsupportedCode } from '../errors.ts';
import { defaultLimits } from '../limits.ts';
import { pathText, type Path } from '../path.ts';
import type { StoredTensor } from '../tensor.ts';
import { entriesOf, isContainer } from '../walk.ts';
import { tensorToWrite } from '../writable.ts';
import { metadataName } from './dtypes.ts';

export interface NamedTensor {
  name: string;
  tensor: StoredTensor;
  /** Where it stands in the tree. */
  path: string;
}

/**
 * The tensors of a tree under their names: the path joined by dots, and `~2`, `~3` … behind a name that is taken.
 *
 * @returns them by the objects that they are in the tree, in order
 * @throws UnsupportedError for what cannot be saved: CYCLE, UNSUPPORTED_VALUE
 */
export function nameTensors(root: unknown): Map<object, NamedTensor> {
  const named = new Map<object, NamedTensor>();
  const taken = new Set([metadataName]);
  const pythonKeys = new PythonKeys();
  // The containers that the walk is in, and the key in each: no recursion, so that a cycle is found and not followed.
  const stack: { container: object; entries: Iterator<[unknown, unknown]> }[] = [];
  const open = new Set<object>();
  const path: unknown[] = [];
  const at = (): string => pathText(path);

  const enter = (container: object): void => {
    if (open.has(container))
      throw unsupported('CYCLE', 'this contains itself: save it as .pt, which allows it', at());
    if (stack.length === defaultLimits.depth) {
      throw unsupported(
        'UNSUPPORTED_VALUE',
        `containers are more than ${defaultLimits.depth} deep here`,
        at(),
      );
    }
    if (isPlainObject(container)) checkPlainObject(container, at);
    checkKeys(keysOf(container), pythonKeys, (key) => pathText([...path, key]));
    open.add(container);
    stack.push({ container, entries: entriesOf(container) });
  };
  const visit = (value: unknown, type: PythonType): void => {
    switch (typeof value) {
      case 'boolean':
        return;
      case 'string':
        return checkText(value, at);
      case 'bigint':
        return checkInt(value, at);
      case 'number':
        return type === 'int' ? checkInt(value, at) : undefined;
      case 'object':
        if (value === null || named.has(value) || isLeaf(value)) return;
        if (value instanceof PythonNumber) return visit(value.value, value.type);
        return isContainer(value) ? enter(value) : visitTensor(value);
      default:
        throw refuse(value, at);
    }
  };
  const visitTensor = (value: object): void => {
    const tensor = tensorToWrite(value, at);
    if (tensor === undefined) throw refuse(value, at);
    named.set(value, { name: freeName(path, taken), tensor, path: at() });
  };

  visit(root, pythonTypeOf([root], 0));
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { done, value: entry } = top.entries.next();
    path.length = stack.length - 1;
    if (done) {
      open.delete(top.container);
      stack.pop();
      continue;
    }
    const [key, value] = entry;
    path.push(key);
    if (typeof key === 'string') checkText(key, at);
    visit(value, pythonTypeOf(top.container, key));
  }
  return named;
}

function freeName(path: Path, taken: Set<string>): string {
  const plain =
    path.length === 0 ? 'value' : path.map((key) => (typeof key === 'string' ? key : repr(key))).join('.');
  let name = plain;
  for (let i = 2; taken.has(name); i++) name = `${plain}~${i}`;
  taken.add(name);
  return name;
}

function keysOf(container: object): Iterable<unknown> {
  return container instanceof Map || container instanceof Set ? container.keys() : [];
}

/** Whether a value that is an object has no tensors in it. */
function isLeaf(value: object): boolean {
  return [Uint8Array, Complex, TorchDType, Device].some((leaf) => value instanceof leaf);
}

function unsupported(code: UnsupportedCode, message: string, path: string): UnsupportedError {
  return new UnsupportedError(code, `${path}: ${message}`, { path });
}
