import { Counter, OrderedDict, Tuple } from '../../python/collections.ts';
import { PythonKeys } from '../../python/keys.ts';
import { PythonNumber, pythonTypeOf, rememberKey, setNumber } from '../../python/number.ts';
import type { Details } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { Global, type CallContext, type Environment, type Place } from './environment.ts';
import { PickleInput } from './input.ts';
import { opcodeName, opcodes as op } from './opcodes.ts';

/**
 * Reads pickles of protocol 2 and 3, the opcodes that torch's weights_only reader takes. It runs nothing and looks nothing up but in
 * the environment, has no recursion, and reads no length before it knows that the bytes are there.
 *
 * On its stack a number is an int and a PythonNumber a float; in a container both are plain numbers, whose types are remembered.
 */
export class Unpickler implements CallContext {
  readonly #input: PickleInput;
  readonly #environment: Environment;
  readonly #memoLimit: number;
  readonly #stack: unknown[] = [];
  /** The heights of the stack at the marks before the last. */
  readonly #marks: number[] = [];
  /** The height of the stack at the last mark: what is below is out of reach. */
  #floor = 0;
  readonly #memo: unknown[] = [];
  readonly #keys = new PythonKeys();
  /** In Python, too, all empty tuples are one. */
  readonly #emptyTuple = new Tuple();
  readonly place: Place;

  /**
   * @param where - the file and the record, for errors
   * @param position - where the pickle starts
   */
  constructor(bytes: Uint8Array, environment: Environment, limits: Limits, where: Details, position = 0) {
    this.#input = new PickleInput(bytes, limits, where, position);
    this.#environment = environment;
    this.#memoLimit = limits.memo;
    this.place = this.#input.place;
  }

  /** The end of the pickle, once it is loaded. */
  get position(): number {
    return this.#input.position;
  }

  /** The value, in which the types of numbers are remembered; a float alone is a PythonNumber. */
  load(): unknown {
    const input = this.#input;
    const protocol = input.opcode() === op.PROTO ? input.uint8() : 0;
    if (protocol !== 2 && protocol !== 3) {
      const details = { expected: [2, 3], found: protocol };
      input.fail('PICKLE_PROTOCOL', `a pickle of torch.save has protocol 2 or 3, not ${protocol}`, details);
    }
    for (let opcode = input.opcode(); opcode !== op.STOP; opcode = input.opcode()) this.#execute(opcode);
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0)
      input.fail('PICKLE_STACK', 'values are left over at the end');
    return value;
  }

  readonly setItem = (map: Map<unknown, unknown>, key: unknown, value: unknown): void => {
    const found = this.#keyIn(map, key);
    if (typeof value === 'number') setNumber(map, found, new PythonNumber('int', value));
    else if (value instanceof PythonNumber) setNumber(map, found, value);
    else map.set(found, value);
  };

  readonly addMember = (set: Set<unknown>, member: unknown): void => {
    set.add(this.#keyIn(set, member));
  };

  /** The key under which a container has, or is to have, a value. */
  #keyIn(container: Map<unknown, unknown> | Set<unknown>, key: unknown): unknown {
    const plain = key instanceof PythonNumber ? key.value : key;
    const found = this.#keys.find(container, plain);
    if (found === undefined) {
      const what = Number.isNaN(plain) ? 'NaN, for the second time,' : 'a list, dict, set or bytearray';
      this.#input.fail('PICKLE_KEY', `${what} cannot be a key or a member of a set`);
    }
    if (key instanceof PythonNumber && Number.isInteger(plain) && !container.has(found))
      rememberKey(container, key);
    return found;
  }

  #execute(opcode: number): void {
    const stack = this.#stack;
    const input = this.#input;
    switch (opcode) {
      case op.MARK:
        this.#marks.push(this.#floor);
        this.#floor = stack.length;
        return;
      case op.NONE:
        stack.push(null);
        return;
      case op.NEWTRUE:
        stack.push(true);
        return;
      case op.NEWFALSE:
        stack.push(false);
        return;
      case op.BININT:
        stack.push(input.int32());
        return;
      case op.BININT1:
        stack.push(input.uint8());
        return;
      case op.BININT2:
        stack.push(input.uint16());
        return;
      case op.LONG1:
        stack.push(input.long(input.uint8()));
        return;
      case op.BINFLOAT: {
        const value = input.float64();
        if (Number.isInteger(value)) input.countLarge(); // a container is to remember that it is no int
        stack.push(new PythonNumber('float', value));
        return;
      }
      case op.BINUNICODE:
        stack.push(input.text(input.uint32()));
        return;
      case op.SHORT_BINSTRING: // Python 2's str, which torch decodes as UTF-8
        stack.push(input.text(input.uint8()));
        return;
      case op.EMPTY_TUPLE:
        stack.push(this.#emptyTuple);
        return;
      case op.EMPTY_LIST:
        input.countLarge();
        stack.push([]);
        return;
      case op.EMPTY_DICT:
        input.countLarge();
        stack.push(new Map());
        return;
      case op.EMPTY_SET:
        input.countLarge();
        stack.push(new Set());
        return;
      case op.TUPLE1:
      case op.TUPLE2:
      case op.TUPLE3:
        this.#need(opcode - op.TUPLE1 + 1);
        this.#makeTuple(stack.length - (opcode - op.TUPLE1 + 1));
        return;
      case op.TUPLE:
        this.#makeTuple(this.#popMark());
        return;
      case op.APPEND:
        this.#need(2);
        this.#append(stack.length - 1);
        return;
      case op.APPENDS:
        this.#append(this.#popMark());
        return;
      case op.SETITEM:
        this.#need(3);
        this.#setItems(stack.length - 2);
        return;
      case op.SETITEMS:
        this.#setItems(this.#popMark());
        return;
      case op.BINGET:
        this.#get(input.uint8());
        return;
      case op.LONG_BINGET:
        this.#get(input.uint32());
        return;
      case op.BINPUT:
        this.#put(input.uint8());
        return;
      case op.LONG_BINPUT:
        this.#put(input.uint32());
        return;
      case op.GLOBAL: {
        const module = input.line();
        stack.push(this.#environment.global(module, input.line(), this.place));
        return;
      }
      case op.BINPERSID:
        stack.push(this.#environment.persistent(this.#pop(), this.place));
        return;
      case op.REDUCE:
      case op.NEWOBJ:
        this.#call(opcode);
        return;
      case op.BUILD:
        this.#build();
        return;
      default:
        input.fail('PICKLE_OPCODE', `${opcodeName(opcode)} is none of torch.save's opcodes`);
    }
  }

  #makeTuple(start: number): void {
    this.#input.countLarge();
    const items = this.#stack;
    const tuple = new Tuple(items.length - start); // no room to grow: there are many, and small
    for (let i = start; i < items.length; i++) putItem(tuple, i - start, items[i]);
    items.length = start;
    items.push(tuple);
  }

  #append(start: number): void {
    const items = this.#stack.splice(start);
    const list = this.#top();
    if (!Array.isArray(list) || list instanceof Tuple)
      this.#input.fail('PICKLE_TYPE', 'items can be appended to a list only');
    for (const item of items) putItem(list, list.length, item);
  }

  #setItems(start: number): void {
    const items = this.#stack.splice(start);
    const map = this.#top();
    if (!(map instanceof Map)) this.#input.fail('PICKLE_TYPE', 'items can be set in a dict only');
    if (items.length % 2 === 1) this.#input.fail('PICKLE_STACK', 'a key has no value');
    for (let i = 0; i < items.length; i += 2) this.setItem(map, items[i], items[i + 1]);
  }

  #get(index: number): void {
    const value = this.#memo[index];
    if (value === undefined) this.#input.fail('PICKLE_MEMO', `memo ${index} is read before it is written`);
    this.#stack.push(value);
  }

  #put(index: number): void {
    if (index >= this.#memoLimit) this.#input.exceed('memo');
    this.#memo[index] = this.#top();
  }

  #call(opcode: number): void {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(callee instanceof Global) || callee.call === undefined)
      this.#input.fail('PICKLE_TYPE', 'what is called is no function');
    if (!(args instanceof Tuple)) this.#input.fail('PICKLE_TYPE', 'arguments are a tuple');
    // An object made without its constructor is an empty one.
    if (opcode === op.NEWOBJ && args.length > 0)
      this.#input.fail('BAD_ARGUMENTS', `a new ${callee.name} takes no arguments`);
    for (const arg of args) this.#input.spend(lengthOf(arg));
    this.#input.countLarge();
    this.#stack.push(callee.call(args, this));
  }

  /** Attributes of an object; of those that torch.save writes only an OrderedDict has any. */
  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    if (!(target instanceof OrderedDict) || !(state instanceof Map) || state instanceof Counter)
      this.#input.fail('PICKLE_TYPE', 'attributes are a dict, and an OrderedDict alone takes them');
    if (state.size === 0) return;
    this.#input.spend(state.size);
    target.attributes ??= new Map();
    for (const [key, value] of state) {
      if (typeof key !== 'string') this.#input.fail('PICKLE_TYPE', 'the name of an attribute is a string');
      const typed = typeof value === 'number' ? new PythonNumber(pythonTypeOf(state, key), value) : value;
      this.setItem(target.attributes, key, typed);
    }
  }

  #need(count: number): void {
    if (this.#stack.length - this.#floor < count)
      this.#input.fail('PICKLE_STACK', 'too little is on the stack');
  }

  #pop(): unknown {
    this.#need(1);
    return this.#stack.pop();
  }

  #top(): unknown {
    this.#need(1);
    return this.#stack.at(-1);
  }

  /** The height of the stack at the last mark, which is taken away. */
  #popMark(): number {
    const floor = this.#marks.pop();
    if (floor === undefined) this.#input.fail('PICKLE_STACK', 'there is no mark');
    const start = this.#floor;
    this.#floor = floor;
    return start;
  }
}

/** How much a call may make of an argument. */
function lengthOf(arg: unknown): number {
  if (typeof arg === 'string' || Array.isArray(arg) || arg instanceof Uint8Array) return arg.length;
  return arg instanceof Map || arg instanceof Set ? arg.size : 0;
}

function putItem(array: unknown[], index: number, item: unknown): void {
  if (!(item instanceof PythonNumber)) array[index] = item;
  // Where the value tells that it is a float, nothing needs to be remembered.
  else if (Number.isInteger(item.value) && !Object.is(item.value, -0)) setNumber(array, index, item);
  else array[index] = item.value;
}
