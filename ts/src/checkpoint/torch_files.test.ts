import test from 'ava';
import { runPython } from '../testing/python.ts';
import { load, open, type LazyTensor, type LoadedTensor } from './index.ts';
import { describe, type Description } from './testing/description.ts';

/** A value that torch saved, and what torch says of it. */
interface Case {
  /** The file, in base64. */
  file: string;
  format: 'pt' | 'pt-legacy';
  description: Description;
  /** The elements of each tensor in row-major order, in hex. */
  elements: string[];
}

const casesInPython = `
import io, json, sys, base64
from collections import Counter, OrderedDict
import torch
from torch_oracle.descriptions import describe

names = '''float64 float32 float16 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu
    complex128 complex64 complex32 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool'''.split()

def exists(name):
    'Older versions of torch do not have all dtypes, or cannot save them.'
    try:
        torch.save(torch.zeros(1, dtype=getattr(torch, name)), io.BytesIO())
    except Exception:
        return False
    return True

dtypes = [name for name in names if exists(name)]

def of(dtype, *shape):
    'A tensor of all kinds of bit patterns.'
    tensor = torch.empty(shape, dtype=getattr(torch, dtype))
    raw = torch.arange(tensor.nbytes, dtype=torch.int64) * 37 + 11
    raw = raw % 2 if dtype == 'bool' else raw % 256
    return tensor.set_(raw.to(torch.uint8).untyped_storage(), 0, shape)

base = of('float32', 3, 4)
payloads = torch.tensor([0x7fa00001, -1, 0x7fc12345, -0x80000000]).to(torch.int32).view(torch.float32)
shared = [1.0]
cyclic = {}
cyclic['self'] = [cyclic]
deep = []
for _ in range(90):
    deep = [deep]
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1)
model(torch.ones(4, 3)).sum().backward()
optimizer.step()
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 3, 5])
edges = [2**31, 2**53, 2**63, 2**64, 2**521, 255, 256, 65535, 65536]
parameter = torch.nn.Parameter(base, requires_grad=False)

cases = {
    'integers around every boundary': [s * e + d for e in edges for s in (1, -1) for d in (-1, 0, 1)],
    'floats': [0.0, -0.0, 1.0, -3.0, 2.0**53, 1e300, 5e-324, float('inf'), float('-inf'), float('nan'), 0.1],
    'a float alone': 0.5,
    'None alone': None,
    'strings': ['', 'ascii', '\\u00e9\\u4e2d\\U0001f600', '\\ufeffmark', 'a\\0b', 'x' * 300, '__proto__'],
    'bytes': [b'\\0\\x80\\xff', b'abc', bytearray(b''), bytearray(b'\\xff')],
    'tuples against lists': [(), [], (1,), [1], (1, 2.0), (1, 2, 3), (1, [2], (3.0, 4)), tuple(range(300))],
    'keys of many types': {1: 'int', 1.5: 'float', 2.0: 'whole', '1': 'str', (1, 'x', (2.0,)): 'tuple', None: 0, b'k': 1, False: 2, 2**70: 3, 3j: 4},
    'sets': [{1, 2.0, 'a', (1, 2)}, set()],
    'an empty name': {'': {'': 1}},
    'other values': [1 + 2j, -0.0 + 0j, torch.Size([1, 0, 2]), torch.bfloat16, torch.device('cuda:1'), torch.device('cpu')],
    'Counter': Counter('aab'),
    'OrderedDict with attributes': model.state_dict(),
    'names that every object has': {'__proto__': 1, 'constructor': {'__proto__': 2.0}, 'length': 3},
    'shared and cyclic containers': [shared, shared, (shared,), cyclic],
    'a list in many lists': deep,
    'an optimizer': optimizer.state_dict(),
    'a training': {'model': model.state_dict(), 'optimizer': optimizer.state_dict(), 'scheduler': scheduler.state_dict(), 'epoch': 3},
    'every dtype': {dtype: of(dtype, 2, 3) for dtype in dtypes},
    'every dtype, strided': {dtype: of(dtype, 2, 3, 4).permute(2, 0, 1)[1:3] for dtype in dtypes},
    'views of one storage': {'all': base, 'rows': base[1:], 'columns': base[:, 1:3], 'transposed': base.t(), 'element': base[2, 3], 'flat': base.view(-1), 'again': base},
    'steps and repeats': [base[::2, ::3], base[0].expand(5, 4), torch.tensor(7.0).expand(2, 3), base.as_strided((3, 3), (2, 1)), base.as_strided((2, 2, 2), (1, 0, 4), 3)],
    'sizes of 0 and 1': [torch.empty(0), torch.empty(0, 3)[:, 2:], torch.empty(2, 0, 3), base[3:], torch.tensor(5), of('int16', 1, 1), base.unsqueeze(1).transpose(0, 1)],
    'parameters': [parameter, parameter, torch.nn.Parameter(of('float64', 2)), torch.ones(2, requires_grad=True)],
    'payloads of NaN': payloads,
}

def save(value, zipped):
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return base64.b64encode(file.getvalue()).decode()

def elements(value):
    'Row-major bytes of the tensors, in the order of their description.'
    described = describe(value)
    for entry in described.header['tensors']:
        frame = torch.frombuffer(bytearray(described.frames[entry['storage']] + bytes(16)), dtype=torch.uint8)
        itemsize = getattr(torch, entry['dtype']).itemsize
        unit = torch.empty(0, dtype=torch.uint8).set_(frame.untyped_storage(), entry['offset'] * itemsize,
            [*entry['shape'], itemsize], [*(s * itemsize for s in entry['stride']), 1])
        yield unit.contiguous().numpy().tobytes().hex()

print(json.dumps({
    f'{name} ({format})': {'file': save(value, format == 'pt'), 'format': format, 'description': describe(value).header, 'elements': list(elements(value))}
    for name, value in cases.items() for format in ('pt', 'pt-legacy')
}))
`;

const cases = JSON.parse(
  String(await runPython(casesInPython, { cwd: new URL('../../../python-oracle/', import.meta.url) })),
) as Record<string, Case>;

for (const [name, { file, format, description, elements }] of Object.entries(cases)) {
  const bytes = Buffer.from(file, 'base64');

  test(`load: ${name}`, async (t) => {
    const loaded = describe(await load(bytes));
    t.deepEqual(loaded.description, description);
    t.deepEqual(
      loaded.tensors.map((tensor) => Buffer.from((tensor as LoadedTensor).bytes).toString('hex')),
      elements,
    );
  });

  test(`open: ${name}`, async (t) => {
    await using checkpoint = await open(new Blob([bytes]));
    t.is(checkpoint.format, format);
    t.is(checkpoint.size, bytes.byteLength);
    const opened = describe(checkpoint.value);
    t.deepEqual(opened.description, description);
    for (const [i, tensor] of (opened.tensors as LazyTensor[]).entries()) {
      t.is(Buffer.from(await tensor.bytes()).toString('hex'), elements[i]!);
      const chunks: Uint8Array[] = [];
      for await (const chunk of tensor.chunks()) chunks.push(chunk);
      t.is(Buffer.concat(chunks).toString('hex'), elements[i]!);
    }
  });
}
