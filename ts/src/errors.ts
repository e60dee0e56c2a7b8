/**
 * torch's error classes. `name` is Python's, the message is torch's own where torch has one, and `code` is ours: a
 * program can tell errors apart by it, and it does not change.
 */
class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export class ValueError extends CodedError {
  override readonly name = 'ValueError';
}

export class RuntimeError extends CodedError {
  override readonly name = 'RuntimeError';
}

/** The message is Python's `str(error)`: the missing key in quotes. */
export class KeyError extends CodedError {
  override readonly name = 'KeyError';
}

export class AssertionError extends CodedError {
  override readonly name = 'AssertionError';
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
