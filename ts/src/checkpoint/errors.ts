/** Where and what: every field that a code has something to say about. */
export interface Details {
  /** The file, as it was given. */
  file?: string;
  /** The record of a zip archive, or the tensor of a safetensors file. */
  record?: string;
  /** Bytes before the place, in the file, or in the record where one is named. */
  offset?: number;
  /** The pickle opcode, by the name of Python's pickletools. */
  opcode?: string;
  /** The path in the tree of values: `optimizer.state[0].exp_avg`. */
  path?: string;
  /** A name, key, dtype or version that is at fault. */
  key?: string;
  expected?: unknown;
  found?: unknown;
  cause?: unknown;
}

abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;
  readonly details: Readonly<Details>;
  constructor(code: Code, message: string, { cause, ...details }: Details = {}) {
    super(
      details.file === undefined ? message : `${details.file}: ${message}`,
      cause === undefined ? {} : { cause },
    );
    this.code = code;
    this.details = details;
  }
}

/** The file is not what it says it is: damaged, truncated, hostile, or no checkpoint at all. */
export class FormatError extends CodedError<FormatCode> {
  override readonly name = 'FormatError';
}

/** The file asks for more than the limits allow; `details.key` is the limit to raise for a file that one trusts. */
export class LimitError extends CodedError<'LIMIT'> {
  override readonly name = 'LimitError';
}

/** The file, or the value to save, is right, and holds something that is not supported. */
export class UnsupportedError extends CodedError<UnsupportedCode> {
  override readonly name = 'UnsupportedError';
}

/** The checkpoint was closed before its bytes were read, or its file has changed since it was opened. */
export class ClosedError extends CodedError<'CLOSED' | 'CHANGED'> {
  override readonly name = 'ClosedError';
}

export type FormatCode =
  // any format
  | 'NOT_A_CHECKPOINT' // neither a zip archive, nor a legacy torch.save stream, nor safetensors
  | 'TRUNCATED' // the file ends before what it promises
  | 'TRAILING_BYTES' // the file goes on where it should have ended
  // zip archives
  | 'ZIP_DIRECTORY' // no end record, or a central directory that cannot be read
  | 'ZIP_NAME' // absolute, with '..', a NUL, a backslash, not UTF-8, or outside the archive's one folder
  | 'ZIP_DUPLICATE' // two records of one name
  | 'ZIP_RANGE' // a record outside the file, or into another record
  | 'ZIP_HEADER' // local and central header disagree
  | 'ZIP_COMPRESSED'
  | 'ZIP_ENCRYPTED'
  | 'ZIP_CRC'
  // torch.save
  | 'MISSING_RECORD' // data.pkl, version, or the record of a storage
  | 'BAD_VERSION' // a version that no torch reads
  | 'BAD_BYTE_ORDER' // a byteorder record that is neither little nor big
  | 'STORAGE_SIZE' // a storage has not the bytes that the pickle promises, or two promises differ
  | 'LEGACY' // a legacy stream with other than its five pickles, or with an impossible count
  // pickles
  | 'PICKLE_PROTOCOL'
  | 'PICKLE_OPCODE' // unknown, or one that torch's weights_only reader refuses
  | 'PICKLE_STACK' // an opcode finds too little on the stack, or no mark
  | 'PICKLE_MEMO' // read before written
  | 'PICKLE_TEXT' // not UTF-8, or no number
  | 'PICKLE_TYPE' // an opcode on a value that it cannot apply to
  | 'PICKLE_KEY' // a key or a member of a set that Python could not hash
  | 'FORBIDDEN_GLOBAL' // a name beyond the fixed list: a function or a class that the file wants called
  | 'BAD_ARGUMENTS' // a call of a known name with impossible arguments
  // tensors
  | 'TENSOR_SHAPE' // a size, stride or offset that is none
  | 'TENSOR_RANGE' // a tensor reaches beyond its storage
  // safetensors
  | 'HEADER_SIZE'
  | 'HEADER_JSON'
  | 'HEADER_ENTRY' // an entry that is not {dtype, shape, data_offsets}
  | 'DATA_OFFSETS' // overlapping, with holes, beyond the file, or not the size of the shape
  | 'TREE'; // our own description of a tree does not fit the file

export type UnsupportedCode =
  | 'UNSUPPORTED_GLOBAL' // known to torch's weights_only reader, and not here: sparse, quantized, meta tensors …
  | 'UNSUPPORTED_DTYPE' // by the format, by the target, or here
  | 'UNSUPPORTED_VALUE' // a function, a class instance, undefined … cannot be saved
  | 'UNSUPPORTED_FORMAT' // TorchScript, torch before 0.1.10, big endian
  | 'TARGET' // torch 2.1 with weights_only could not read it back
  | 'CYCLE'; // a tuple or a key that contains itself, or any cycle in safetensors
