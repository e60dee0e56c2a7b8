import test from 'ava';
import { runPython } from '../../testing/python.ts';
import { load } from '../open.ts';
import type { LoadedTensor } from '../tensor.ts';

/** One checkpoint of torch.save, and the same records as other tools would put them together. */
const archives = JSON.parse(
  String(
    await runPython(`
import base64, io, json, zipfile, torch
from torch.utils.serialization import config

value = {'a': torch.arange(5), 'empty': torch.empty(0), 'b': torch.arange(1000, dtype=torch.float32)}

def saved():
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()

torch_save = saved()
records = [(info.filename, zipfile.ZipFile(io.BytesIO(torch_save)).read(info)) for info in zipfile.ZipFile(io.BytesIO(torch_save)).infolist()]

class Unseekable(io.RawIOBase):
    'Sizes cannot be written after the fact, so that they stand behind the bytes.'
    def __init__(self): self.file = io.BytesIO()
    def writable(self): return True
    def write(self, data): return self.file.write(data)

def zipped(target=None, zip64=False, comment=b'', order=records, extra=b'', folder=False):
    target = io.BytesIO() if target is None else target
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_STORED) as archive:
        archive.comment = comment
        if folder: archive.writestr('archive/', b'')
        for name, data in order:
            info = zipfile.ZipInfo(name)
            info.extra = extra
            with archive.open(info, 'w', force_zip64=zip64) as record: record.write(data)
    return (target.file if isinstance(target, Unseekable) else target).getvalue()

archives = {
    'torch.save': torch_save,
    'sizes in the headers': zipped(),
    'sizes behind the bytes': zipped(Unseekable()),
    'sizes of 64 bits': zipped(zip64=True),
    'sizes of 64 bits behind the bytes': zipped(Unseekable(), zip64=True),
    'an unknown extra field': zipped(extra=b'XX\\x03\\x00abc'),
    'another order': zipped(order=records[::-1]),
    'an entry of its folder': zipped(folder=True),
    'a comment': zipped(comment=b'PK or not'),
    'the longest comment': zipped(comment=b'x' * 65535),
    'bytes behind it': torch_save + b'junk' * 1000,
}
torch.serialization.set_crc32_options(False) if hasattr(torch.serialization, 'set_crc32_options') else None
archives['no checksums'] = saved()
for archive in archives.values():
    assert torch.equal(torch.load(io.BytesIO(archive), weights_only=True)['b'], value['b'])
print(json.dumps({name: base64.b64encode(archive).decode() for name, archive in archives.items()}))`),
  ),
) as Record<string, string>;

/** The tensors as text, which is quickly compared. */
async function read(archive: Uint8Array): Promise<string> {
  const value = await load<Map<string, LoadedTensor>>(archive);
  return Array.from(value, ([name, { dtype, shape, bytes }]) => [name, dtype, shape, bytes].join(' ')).join(
    '\n',
  );
}

const expected = await read(Buffer.from(archives['torch.save']!, 'base64'));

for (const [name, archive] of Object.entries(archives)) {
  test(`what torch reads is read: ${name}`, async (t) => {
    t.is(await read(Buffer.from(archive, 'base64')), expected);
  });
}

test('an archive that is cut off anywhere is refused', async (t) => {
  const archive = Buffer.from(archives['torch.save']!, 'base64');
  for (let length = 4; length < archive.byteLength; length += 7)
    await t.throwsAsync(read(archive.subarray(0, length)), { code: 'ZIP_DIRECTORY' });
  await t.throwsAsync(read(archive.subarray(0, -1)), { code: 'ZIP_DIRECTORY' });
});

test('a bit that flips in a header, in the directory or in a record does not go unseen, or does no harm', async (t) => {
  const archive = Buffer.from(archives['torch.save']!, 'base64');
  let refused = 0;
  for (let at = 0; at < archive.byteLength; at += 1) {
    archive[at]! ^= 1 << (at % 8);
    try {
      t.is(await read(archive), expected);
    } catch (error) {
      t.regex((error as Error).name, /FormatError|UnsupportedError|LimitError/, (error as Error).stack);
      refused++;
    }
    archive[at]! ^= 1 << (at % 8);
  }
  t.true(refused > 1000);
});

/** What a local header of 30 bytes says, and where. */
const fields = { flags: 6, method: 8, checksum: 14, 'size as it is stored': 18, size: 22, name: 30 };

for (const name of ['sizes in the headers', 'sizes behind the bytes', 'torch.save']) {
  test(`a header and the directory must agree: ${name}`, async (t) => {
    for (const [field, at] of Object.entries(fields)) {
      const archive = Buffer.from(archives[name]!, 'base64');
      archive[at]! ^= 2;
      await t.throwsAsync(read(archive), { code: 'ZIP_HEADER' }, field);
    }
  });
}
