/**
 * torch's error classes. `name` is Python's, the message is torch's own where torch has one, and `code` is ours: a
 * program can tell errors apart by it, and it does not change.
 */

export class ValueError extends Error {
  override readonly name = 'ValueError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Python's TypeError, which is JavaScript's too: `instanceof TypeError` holds. */
export class TorchTypeError extends TypeError {
  override readonly name = 'TypeError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The message is Python's `str(error)`: the missing key in quotes. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
