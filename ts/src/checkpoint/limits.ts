/** What a file may ask for before it is refused. The defaults are far above what training writes. */
export interface Limits {
  /** Containers inside containers. */
  depth: number;
  /** Values and pickle opcodes: one dict of a million entries has some million. */
  items: number;
  /** Entries of a pickle's memo. */
  memo: number;
  /** Records of a zip archive, tensors of a safetensors file, storages of a legacy file. */
  entries: number;
  /** Bytes of a pickle or of a safetensors header, and of one zip directory: what is read before any tensor. */
  indexBytes: number;
  /** Bytes that tensors may take beyond those of the file: a stride of 0 repeats elements, views overlap. */
  expandedBytes: number;
}

export const defaultLimits: Readonly<Limits> = {
  depth: 1_000,
  items: 10_000_000,
  memo: 10_000_000,
  entries: 10_000_000,
  indexBytes: 1 << 30,
  expandedBytes: 1 << 30,
};
