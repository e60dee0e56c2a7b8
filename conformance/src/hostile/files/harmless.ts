import { bytes } from '../bytes.ts';
import { harmless, type HostileFile } from '../hostile_file.ts';
import { dict, number, pickle, text } from '../pickle.ts';
import { four, pt, records, tensor, torchLayout } from '../pt.ts';
import { archive, descriptor } from '../zip.ts';
import { entry, safetensors } from '../safetensors.ts';

const usual = records(pickle(tensor()));
const isFour = (value: any): boolean => Buffer.from(value.bytes).equals(four);
const objectKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'get'];

/** Files that look dangerous and must load. */
export const harmlessFiles: HostileFile[] = [
  harmless(
    'plain.pt',
    'An archive with nothing wrong, to know that the others fail for their reason.',
    () => archive(usual),
    isFour,
  ),
  harmless('torch.pt', "The same in torch's layout.", () => torchLayout(), isFour),
  harmless(
    'plain.safetensors',
    'A safetensors file with nothing wrong.',
    () => safetensors({ a: entry() }, four),
    (value) => isFour(value.get('a')),
  ),
  harmless(
    'object-keys.pt',
    'A dict whose keys every JavaScript object has: they would set a prototype, or hide methods.',
    () => pt(dict(...objectKeys.flatMap((key, index) => [text(key), number(index)]))),
    (value) => objectKeys.every((key, index) => value.get(key) === index) && value.size === objectKeys.length,
  ),
  harmless(
    'equal-keys.pt',
    'The keys 1, True and 1.0, which are one in Python: the last value wins.',
    () => pt(dict(number(1), text('a'), [['NEWTRUE']], text('b'), [['BINFLOAT', 1]], text('c'))),
    (value) => value.size === 1 && value.get(1) === 'c',
  ),
  harmless(
    'text-keys.pt',
    "The keys 1 and '1', which are two in Python.",
    () => pt(dict(number(1), text('a'), text('1'), text('b'))),
    (value) => value.size === 2 && value.get(1) === 'a' && value.get('1') === 'b',
  ),
  harmless(
    'memo-rewritten.pt',
    'An entry of the memo is written twice, for readers that keep the first.',
    () => pt(text('a'), ['BINPUT', 0], ...text('b'), ['BINPUT', 0], ['BINGET', 0], ['TUPLE3']),
    (value) => value.join() === 'a,b,b',
  ),
  harmless(
    'negative-long.pt',
    'The integers -1 and -2^71: a sign in the last byte.',
    () => {
      const smallest = new Uint8Array(9);
      smallest[8] = 0x80;
      return pt(['LONG1', Uint8Array.of(0xff)], ['LONG1', smallest], ['TUPLE2']);
    },
    (value) => value[0] === -1 && value[1] === -(2n ** 71n),
  ),
  harmless(
    'rounded-long.pt',
    'The integer 2^53+1, which a double would round.',
    () => pt(number(2n ** 53n + 1n)),
    (value) => value === 2n ** 53n + 1n,
  ),
  harmless(
    'comment.pt',
    'A comment behind the end record.',
    () => archive(usual, { end: { commentLength: 5 }, tail: 'hello' }),
    isFour,
  ),
  harmless(
    'trailing.pt',
    'Bytes behind the archive, which torch tolerates.',
    () => archive(usual, { tail: new Uint8Array(40) }),
    isFour,
  ),
  harmless(
    'no-crc.pt',
    'CRCs of 0 throughout, as torch writes them when told to.',
    () => archive(usual.map((record) => ({ ...record, local: { crc: 0 }, central: { crc: 0 } }))),
    isFour,
  ),
  harmless(
    'nan-payload.pt',
    'A signalling NaN with a payload: its bits must come through.',
    () =>
      archive(
        records(pickle(tensor()), {
          name: 'archive/data/0',
          data: bytes(Uint8Array.of(1, 0, 0xa0, 0x7f), four.subarray(4)),
        }),
      ),
    (value) => Buffer.from(value.bytes.subarray(0, 4)).toString('hex') === '0100a07f',
  ),
  harmless(
    'control-keys.pt',
    'Keys with escape sequences, which a terminal would obey.',
    () => pt(dict(text('\x1b[2J\x07'), number(1), text('a\nb'), number(2))),
    (value) => value.get('\x1b[2J\x07') === 1 && value.get('a\nb') === 2,
  ),
  harmless(
    'descriptor.pt',
    'A data descriptor with another CRC, which nobody looks at who reads by the directory.',
    () =>
      archive(
        records(pickle(tensor()), { name: 'archive/data/0', data: four, descriptor: descriptor(four, 1) }),
      ),
    isFour,
  ),
  harmless(
    'folder.pt',
    'A record for a folder, as zip tools write it.',
    () => archive([{ name: 'archive/', data: '' }, ...usual]),
    isFour,
  ),
];
