/** The version of torch whose `torch.load(…, weights_only=True)` is to read the file. */
export type Target = '2.1' | '2.15';

/** All that torch 2.1's reader takes of the names that we write. */
const names21 = new Set([
  'collections.OrderedDict',
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_tensor_v2',
  'torch.Size',
  ...['float64', 'float32', 'float16', 'complex128', 'complex64', 'complex32'].map((name) => `torch.${name}`),
  ...['int64', 'int32', 'int16', 'int8'].map((name) => `torch.${name}`),
]);

/** Whether the reader of the target takes a name; torch 2.15's takes every one that we write. */
export function allows(target: Target, module: string, name: string): boolean {
  if (target === '2.15' || (module === 'torch' && name.endsWith('Storage'))) return true;
  return names21.has(`${module}.${name}`);
}

/** What a name that a target does not take stands for, for an error. */
export function meaningOf(module: string, name: string): string {
  const meanings: Record<string, string> = {
    '_codecs.encode': 'bytes',
    'collections.Counter': 'Counter',
    'torch._utils._rebuild_tensor_v3': 'tensor of this dtype',
    'torch.device': 'torch.device',
  };
  return meanings[`${module}.${name}`] ?? (module === 'torch' ? `torch.${name}` : name);
}
