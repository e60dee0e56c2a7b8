import { refused, type HostileFile } from '../hostile_file.ts';
import { call, number, text, tuple, type Ops } from '../pickle.ts';
import { pt, storage } from '../pt.ts';

/** Calls that would run something if the name were looked up. */
const calls: [file: string, name: string, args: Ops[], what: string][] = [
  ['os-system.pt', 'os system', [text('id')], 'os.system runs a command'],
  ['posix-system.pt', 'posix system', [text('id')], 'posix.system is the same function under its other name'],
  ['eval.pt', 'builtins eval', [text('1+1')], 'eval runs an expression'],
  ['exec-python2.pt', '__builtin__ execfile', [text('x.py')], 'Python 2 had builtins under another name'],
  ['getattr.pt', 'builtins getattr', [text('x'), text('__class__')], 'getattr reaches every other function'],
  ['import.pt', 'builtins __import__', [text('os')], '__import__ runs the code of modules'],
  [
    'submodule.pt',
    'asyncio.unix_events _UnixSubprocessTransport._start',
    [],
    'a scanner knew asyncio, not its submodule',
  ],
  ['runpy.pt', 'runpy _run_code', [text('1')], 'a module of the standard library that scanners did not list'],
  [
    'load-from-bytes.pt',
    'torch.storage _load_from_bytes',
    [text('x')],
    "torch's own function unpickles again, without checks",
  ],
  ['torch-load.pt', 'torch.serialization load', [text('x')], 'torch.load itself, without weights_only'],
  ['torch-hub.pt', 'torch.hub load', [text('x')], 'torch.hub.load downloads code and runs it'],
  ['numpy.pt', 'numpy.core.multiarray _reconstruct', [number(0)], 'NumPy can hold objects of any class'],
  ['attribute.pt', 'collections OrderedDict.fromkeys', [text('x')], 'an attribute of a class that is known'],
  [
    'globals.pt',
    'torch._utils _rebuild_tensor_v2.__globals__',
    [],
    'an attribute of a function that is known',
  ],
  ['space.pt', 'collections OrderedDict ', [], 'a known name with a space behind it'],
  ['no-module.pt', ' OrderedDict', [], 'a known name without its module'],
  ['prototype.pt', '__proto__ __proto__', [], 'a name that every JavaScript object has'],
  ['constructor.pt', 'constructor constructor', [], 'a name through which JavaScript makes functions'],
  ['torch-function.pt', 'torch compile', [text('x')], 'a function of torch that is no part of a checkpoint'],
];

const unsupported: [file: string, name: string, args: Ops[], what: string][] = [
  ['sparse.pt', 'torch._utils _rebuild_sparse_tensor', [], 'A sparse tensor'],
  ['quantized.pt', 'torch._utils _rebuild_qtensor', [storage()], 'A quantized tensor'],
  ['meta.pt', 'torch._utils _rebuild_meta_tensor_no_storage', [], 'A tensor of the meta device'],
  ['subclass.pt', 'torch._utils _rebuild_wrapper_subclass', [], 'A subclass of Tensor'],
];

/** Pickles that name what shall not be called. */
export const globals: HostileFile[] = [
  ...calls.map(([file, name, args, what]) =>
    refused(file, 'FORBIDDEN_GLOBAL', `A global beyond the fixed list: ${what}.`, () =>
      pt(call(name, ...args)),
    ),
  ),
  refused(
    'hidden-call.pt',
    'FORBIDDEN_GLOBAL',
    'The call stands where its value is dropped: in the attributes of a dict.',
    () => pt(call('collections OrderedDict'), ...tuple(call('os system', text('id'))), ['BUILD']),
  ),
  refused(
    'named-only.pt',
    'FORBIDDEN_GLOBAL',
    'A forbidden function is not called, only held, for code that calls what it loads.',
    () => pt(['GLOBAL', 'os system']),
  ),
  refused(
    'after-stop.pt',
    'TRAILING_BYTES',
    'A second pickle stands behind the first, where a scanner stops.',
    () => pt(['NONE'], ['STOP'], ...call('os system', text('id'))),
  ),
  ...unsupported.map(([file, name, args, what]) =>
    refused(file, 'UNSUPPORTED_GLOBAL', `${what}, whose arguments are impossible.`, () =>
      pt(call(name, ...args)),
    ),
  ),
  refused('quantized-storage.pt', 'UNSUPPORTED_DTYPE', 'A storage of a quantized dtype.', () =>
    pt(...storage({ storageType: 'torch QInt8Storage' })),
  ),
];
