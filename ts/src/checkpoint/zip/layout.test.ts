import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runPython } from '../../testing/python.ts';
import { centralHeader, descriptor, endRecords, localHeader } from './layout.ts';
import { archiveSize } from './writer.ts';

/**
 * torch can lay out an archive without writing the bytes of tensors, which makes a sparse file: so its headers are seen beyond 4 GiB
 * without as many bytes. What the records are is told by Python's own zip reader.
 */
const sparseArchives = `
import json, zipfile
import torch

def tensor(size):
    'Bytes of a sparse file, which take no memory.'
    open('bytes', 'ab').truncate(size)
    return torch.from_file('bytes', shared=True, size=size, dtype=torch.uint8)

files = {}
with torch.serialization.skip_data():
    for size in (100, 2**32 - 2, 2**32 - 1, 2**32, 5 * 2**30):
        files[f'{size}.pt'] = [tensor(size), torch.zeros(3), torch.zeros(0), tensor(size)]
    # A second record that starts below, at and above the limit: the first one's bytes start at a multiple of 64, and
    # 16 bytes follow them.
    for less in (64 * block + 16 + beside for block in range(8, 20) for beside in (0, 1, 2)):
        files[f'before {less}.pt'] = [tensor(2**32 - less), torch.zeros(3), torch.zeros(0)]
    for name, value in files.items():
        torch.save(value, name)
print(json.dumps({name: [[record.filename, record.file_size, record.header_offset, record.CRC]
    for record in zipfile.ZipFile(name).infolist()] for name in files}))
`;

type Record = [name: string, size: number, offset: number, crc: number];

test("headers are torch's own, also where sizes and offsets do not fit into 32 bits", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'torch-parity-zip-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const files = JSON.parse(String(await runPython(sparseArchives, { cwd: directory }))) as {
    [name: string]: Record[];
  };
  let beyond = 0;
  let atLimit = 0;
  for (const [file, records] of Object.entries(files)) {
    const handle = await open(join(directory, file));
    try {
      const read = async (offset: number, length: number): Promise<Buffer> =>
        (await handle.read(Buffer.alloc(length), 0, length, offset)).buffer;
      const same = async (expected: Uint8Array, offset: number): Promise<number> => {
        t.true((await read(offset, expected.length)).equals(expected), `${file}, at ${offset}`);
        return offset + expected.length;
      };
      let at = 0;
      const entries = records.map(([name, size, offset, crc]) => ({
        name: Buffer.from(name),
        size,
        offset,
        crc,
      }));
      for (const entry of entries) {
        t.is(entry.offset, at);
        at = await same(localHeader(entry), at);
        t.is(at % 64, 0);
        at = await same(descriptor(entry, entry.crc), at + entry.size);
        if (entry.offset >= 2 ** 32) beyond++;
        if (entry.offset === 2 ** 32 - 1) atLimit++;
      }
      const start = at;
      for (const entry of entries) at = await same(centralHeader(entry, entry.crc), at);
      at = await same(endRecords(entries.length, start, at - start), at);
      t.is((await handle.stat()).size, at);
      const sizes = records.map(([name, size]): [string, number] => [name.replace(/^[^/]*\//, ''), size]);
      t.is(archiveSize(records[0]![0].replace(/\/.*/, ''), sizes), at);
    } finally {
      await handle.close();
    }
  }
  t.true(beyond > 20 && atLimit > 0);
});
