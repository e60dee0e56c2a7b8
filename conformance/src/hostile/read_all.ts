import { open, tensorsOf, type LazyTensor, type OpenOptions } from 'torch-parity/checkpoint';

/** Opens a file and reads every tensor of it, one after the other, as a caller of the lazy form may. */
export async function readAll(file: Uint8Array, options: OpenOptions = {}): Promise<Uint8Array[]> {
  await using checkpoint = await open(file, options);
  const read: Uint8Array[] = [];
  for (const [, tensor] of tensorsOf(checkpoint.value)) read.push(await (tensor as LazyTensor).bytes());
  return read;
}
