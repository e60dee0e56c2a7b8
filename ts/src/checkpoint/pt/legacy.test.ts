import test from 'ava';
import { runPython } from '../../testing/python.ts';
import { load } from '../open.ts';
import type { LoadedTensor } from '../tensor.ts';

/** Streams as torch wrote them when storages could be views of storages, and what torch.load makes of each. */
const python = `
import base64, io, json, pickle, struct, torch
from collections import OrderedDict

class Storage:
    def __init__(self, *pid): self.pid = pid

class Tensor:
    def __init__(self, storage, offset, size): self.args = storage, offset, (size,), (1,), False, OrderedDict()
    def __reduce__(self): return torch._utils._rebuild_tensor_v2, self.args

class Pickler(pickle.Pickler):
    def persistent_id(self, value): return value.pid if isinstance(value, Storage) else None

def stream(value, keys=('base',)):
    file = io.BytesIO()
    for header in 0x1950a86a20f9469cfc6c, 1001, {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {}}:
        pickle.dump(header, file, 2)
    Pickler(file, 2).dump(value)
    pickle.dump(list(keys), file, 2)
    for key in keys:
        file.write(struct.pack('<q12f', 12, *range(12)))
    return file.getvalue()

def storage(view=None, key='base'):
    return Storage('storage', torch.FloatStorage, key, 'cpu', 12, view)

view = storage(('view', 4, 8))
streams = {
    'views': stream([Tensor(storage(), 0, 12), Tensor(view, 1, 3), Tensor(view, 7, 1), Tensor(storage(('end', 12, 0)), 0, 0)]),
    'a long pickle': stream([list(range(500000)), Tensor(storage(), 2, 3)]),
    'two storages': stream([Tensor(storage(key='b'), 0, 1), Tensor(storage(key='a'), 1, 2)], ('a', 'b')),
}
def lists(value):
    return [item.tolist() if isinstance(item, torch.Tensor) else item for item in value]
print(json.dumps([{name: base64.b64encode(data).decode() for name, data in {
    **streams,
    'beyond the view': stream([Tensor(view, 1, 8)]),
    'beyond the storage': stream([Tensor(storage(('view', 5, 8)), 0, 1)]),
    'a key too few': stream([Tensor(storage(), 0, 1)], ()),
    'a key too many': stream([Tensor(storage(), 0, 1)], ('base', 'base')),
}.items()}, {name: lists(torch.load(io.BytesIO(data), weights_only=True)) for name, data in streams.items()}]))`;

const [streams, expected] = JSON.parse(String(await runPython(python))) as [
  Record<string, string>,
  Record<string, unknown[]>,
];
const read = (name: string): Promise<unknown[]> => load(Buffer.from(streams[name]!, 'base64'));

for (const [name, values] of Object.entries(expected)) {
  test(`as torch reads it: ${name}`, async (t) => {
    const lists = (await read(name)).map((item) =>
      Array.isArray(item) ? item : [...(item as LoadedTensor<'float32'>).toTypedArray()],
    );
    t.deepEqual(lists, values);
  });
}

test('views of a storage share it', async (t) => {
  const tensors = (await read('views')) as LoadedTensor[];
  t.deepEqual(
    tensors.map(({ offset }) => offset),
    [0, 5, 11, 12],
  );
  for (const { storage } of tensors) t.is(storage, tensors[0]!.storage);
});

const refusals = {
  'beyond the view': 'TENSOR_RANGE',
  'beyond the storage': 'BAD_ARGUMENTS',
  'a key too few': 'LEGACY',
  'a key too many': 'LEGACY',
};

for (const [name, code] of Object.entries(refusals))
  test(`refused: ${name}`, (t) => t.throwsAsync(read(name), { code }).then(() => {}));
