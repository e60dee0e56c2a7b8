import { FormatError, LimitError, type Details, type FormatCode } from '../errors.ts';
import { largeItems, type Limits } from '../limits.ts';
import type { Place } from './environment.ts';
import { opcodeName, opcodes } from './opcodes.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a pickle, read opcode by opcode; no length is believed before the bytes are known to be there. */
export class PickleInput {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #limits: Limits;
  readonly #where: Details;
  #position: number;
  /** The opcode at work, and where it starts. */
  #opcode: number = opcodes.PROTO;
  #start: number;
  #items = 0;
  #made = 0;

  /**
   * @param where - the file and the record, for errors
   * @param position - where the pickle starts
   */
  constructor(bytes: Uint8Array, limits: Limits, where: Details, position: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
    this.#where = where;
    this.#position = position;
    this.#start = position;
  }

  get position(): number {
    return this.#position;
  }

  /** The place of the opcode at work. */
  readonly place: Place = () => ({ ...this.#where, offset: this.#start, opcode: opcodeName(this.#opcode) });

  opcode(): number {
    this.#start = this.#position;
    this.#opcode = this.uint8();
    this.#count(1);
    return this.#opcode;
  }

  /** Counts what takes much more memory than its bytes in the file. */
  countLarge(): void {
    this.#count(largeItems);
  }

  #count(items: number): void {
    this.#items += items;
    if (this.#items > this.#limits.items) this.exceed('items');
  }

  /**
   * Counts what a call makes of its arguments. They stand in the pickle once; who makes much more of them takes them from the memo
   * again and again, to fill the memory.
   */
  spend(count: number): void {
    this.#made += count;
    if (this.#made > 2 * this.#bytes.byteLength) this.exceed('items');
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** Big-endian, as nothing else is. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A signed integer of any length, little-endian in two's complement; a bigint where a number is not exact. */
  long(length: number): number | bigint {
    const start = this.#take(length);
    let value = 0n;
    for (let i = start + length - 1; i >= start; i--) value = (value << 8n) | BigInt(this.#view.getUint8(i));
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(length: number): string {
    const start = this.#take(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch (cause) {
      this.fail('PICKLE_TEXT', 'a string is not UTF-8', { cause });
    }
  }

  /** Text up to a newline. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    const text = this.text((end === -1 ? this.#bytes.byteLength : end) - this.#position);
    this.#take(1);
    return text;
  }

  /** Takes some bytes, and gives where they start. */
  #take(length: number): number {
    const start = this.#position;
    const found = this.#bytes.byteLength - start;
    if (length > found) this.fail('TRUNCATED', 'the pickle ends too early', { expected: length, found });
    this.#position = start + length;
    return start;
  }

  fail(code: FormatCode, message: string, details: Details = {}): never {
    const place = this.place();
    const { record, offset, opcode } = place;
    const at = `byte ${offset}${record === undefined ? '' : ` of ${record}`} (${opcode})`;
    throw new FormatError(code, `${message}, at ${at}`, { ...place, ...details });
  }

  exceed(key: 'items' | 'memo'): never {
    throw new LimitError('LIMIT', `the pickle makes more ${key} than the limit, limits.${key}, allows`, {
      ...this.place(),
      key,
      expected: this.#limits[key],
    });
  }
}
