import { opcodes } from './opcodes.ts';

const encoder = new TextEncoder();

/** The bytes of a pickle, written opcode by opcode, in the encodings that CPython chooses. */
export class PickleOutput {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #memoized = 0;
  readonly #texts = new Map<string, number>();
  readonly #globals = new Map<string, number>();

  readonly #check: (module: string, name: string) => void;

  /** @param check - throws for a name that may not be in the pickle */
  constructor(check: (module: string, name: string) => void) {
    this.#check = check;
    this.op('PROTO');
    this.#uint8(2);
  }

  /** An opcode without an argument. */
  op(name: keyof typeof opcodes): void {
    this.#uint8(opcodes[name]);
  }

  bool(value: boolean): void {
    this.op(value ? 'NEWTRUE' : 'NEWFALSE');
  }

  /** @param value - of 255 bytes at most: for more there is no opcode */
  int(value: number | bigint): void {
    if (value < -0x8000_0000 || value > 0x7fff_ffff) return this.#long(BigInt(value));
    const small = Number(value);
    if (small < 0 || small > 0xffff) {
      this.op('BININT');
      this.#uint32(small);
    } else if (small > 0xff) {
      this.op('BININT2');
      this.#uint8(small & 0xff);
      this.#uint8(small >> 8);
    } else {
      this.op('BININT1');
      this.#uint8(small);
    }
  }

  /** Two's complement, little endian, in as few bytes as hold the sign too. */
  #long(value: bigint): void {
    const bits = (value < 0n ? ~value : value).toString(2).length;
    const length = (bits >> 3) + 1;
    this.op('LONG1');
    this.#uint8(length);
    for (let i = 0; i < length; i++) this.#uint8(Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
  }

  float(value: number): void {
    this.op('BINFLOAT');
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** A str; one that was written before is taken from the memo, as Python's interned ones are. */
  text(value: string): void {
    const index = this.#texts.get(value);
    if (index !== undefined) this.get(index);
    else this.#texts.set(value, this.freshText(value));
  }

  /**
   * A str that Python makes anew each time.
   *
   * @returns its memo index
   */
  freshText(value: string): number {
    return this.#unicode(encoder.encode(value));
  }

  /** The str whose code points are these bytes: how protocol 2 holds bytes. */
  latin1(bytes: Uint8Array): void {
    // Python keeps the strs of one such character, and so they are shared.
    if (bytes.length === 1) return this.text(String.fromCharCode(bytes[0] as number));
    const utf8 = new Uint8Array(bytes.reduce((length, byte) => length + (byte < 0x80 ? 1 : 2), 0));
    let i = 0;
    for (const byte of bytes) {
      if (byte >= 0x80) utf8[i++] = 0xc0 | (byte >> 6);
      utf8[i++] = byte < 0x80 ? byte : 0x80 | (byte & 0x3f);
    }
    this.#unicode(utf8);
  }

  #unicode(utf8: Uint8Array): number {
    this.op('BINUNICODE');
    this.#uint32(utf8.length);
    this.#raw(utf8);
    return this.put();
  }

  /** A function or class, which the reader looks up. */
  global(module: string, name: string): void {
    const text = `${module}\n${name}\n`;
    const index = this.#globals.get(text);
    if (index !== undefined) return this.get(index);
    this.#check(module, name);
    this.op('GLOBAL');
    this.#raw(encoder.encode(text));
    this.#globals.set(text, this.put());
  }

  /**
   * Closes a tuple of the `length` items on top of the stack, before which, from 4 on, stands a mark; there is at least one.
   *
   * @returns its memo index
   */
  tuple(length: number): number {
    this.op(length === 1 ? 'TUPLE1' : length === 2 ? 'TUPLE2' : length === 3 ? 'TUPLE3' : 'TUPLE');
    return this.put();
  }

  /** A tuple of ints, such as a shape. */
  intTuple(values: readonly number[]): void {
    if (values.length === 0) return this.op('EMPTY_TUPLE'); // which has no memo entry
    if (values.length > 3) this.op('MARK');
    for (const value of values) this.int(value);
    this.tuple(values.length);
  }

  /**
   * Calls what lies on the stack under the tuple of its arguments.
   *
   * @returns the memo index of what it gives
   */
  reduce(): number {
    this.op('REDUCE');
    return this.put();
  }

  /**
   * Puts the top of the stack into the memo. Python does so with all that it might meet again.
   *
   * @returns its index there
   */
  put(): number {
    const index = this.#memoized++;
    this.#indexed('BINPUT', 'LONG_BINPUT', index);
    return index;
  }

  get(index: number): void {
    this.#indexed('BINGET', 'LONG_BINGET', index);
  }

  finish(): Uint8Array {
    this.op('STOP');
    return this.#bytes.subarray(0, this.#length);
  }

  #indexed(short: keyof typeof opcodes, long: keyof typeof opcodes, index: number): void {
    if (index < 256) {
      this.op(short);
      this.#uint8(index);
    } else {
      this.op(long);
      this.#uint32(index);
    }
  }

  #uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
