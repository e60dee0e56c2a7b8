import { harmless, refused, type HostileFile } from '../hostile_file.ts';
import { call, dict, number, pickle, text, times, tuple, type Op } from '../pickle.ts';
import { four, pt, records, tensor } from '../pt.ts';
import { archive } from '../zip.ts';

/** Doubles what is on the stack so many times, by the memo: `[x, x]` of `[x, x]` of … */
function doubling(levels: number, ...join: Op[]): Op[] {
  const level = (index: number): Op[] => [['LONG_BINPUT', index], ['BINGET', index], ...join];
  return Array.from({ length: levels }, (_, index) => level(index)).flat();
}

/** How deep the first members of arrays go. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let at = value; Array.isArray(at) && at.length > 0; at = at[0]) depth += 1;
  return depth;
}

/** Small files that ask for much: each limit has one at its default or below. */
export const bombs: HostileFile[] = [
  refused('depth-lists.pt', 'LIMIT', 'A list in a list, 100,000 deep, against readers that recurse.', () =>
    pt(times(100_000, ['EMPTY_LIST']), times(99_999, ['APPEND'])),
  ),
  refused('depth-tuples.pt', 'LIMIT', 'A tuple in a tuple, 100,000 deep, with no mark to count.', () =>
    pt(['EMPTY_TUPLE'], times(100_000, ['TUPLE1'])),
  ),
  refused('depth-marks.pt', 'LIMIT', '20,000 marks that nothing closes.', () => pt(times(20_000, ['MARK'])), {
    items: 10_000,
  }),
  refused(
    'depth-memo.pt',
    'LIMIT',
    'A depth that grows by the memo: each list is put into the next by its number.',
    () =>
      pt(
        ...([['MARK'], ['EMPTY_LIST'], ['LONG_BINPUT', 0]] satisfies Op[]),
        Array.from({ length: 2_000 }, (_, i): Op[] => [
          ...([['EMPTY_LIST'], ['LONG_BINPUT', i + 1], ['LONG_BINGET', i], ['APPEND']] satisfies Op[]),
        ]).flat(),
        ['TUPLE'],
      ),
  ),
  refused(
    'items.pt',
    'LIMIT',
    'More values than the limit, two bytes each.',
    () => pt(['EMPTY_LIST'], times(20_000, ['EMPTY_LIST'], ['APPEND'])),
    {
      items: 10_000,
    },
  ),
  refused(
    'dicts.pt',
    'LIMIT',
    'Dicts of one byte each, and of 200 in memory: each counts as several items.',
    () => pt(['EMPTY_LIST'], ['MARK'], times(2_000, ['EMPTY_DICT']), ['APPENDS']),
    { items: 10_000 },
  ),
  refused(
    'calls.pt',
    'LIMIT',
    'One function called again and again by the memo, with more results than the limit.',
    () =>
      pt(
        ...([
          ['GLOBAL', 'collections OrderedDict'],
          ['BINPUT', 0],
        ] satisfies Op[]),
        times(1_500, ['BINGET', 0], ['EMPTY_TUPLE'], ['REDUCE']),
      ),
    { items: 10_000 },
  ),
  refused(
    'memo.pt',
    'LIMIT',
    'More entries of the memo than the limit.',
    () => pt(['NONE'], ...Array.from({ length: 2_000 }, (_, i): Op => ['LONG_BINPUT', i * 65_537])),
    { memo: 1_000 },
  ),
  refused(
    'entries.pt',
    'LIMIT',
    'More records than the limit.',
    () =>
      archive(
        records(
          pickle(tensor()),
          ...Array.from({ length: 200 }, (_, i) => ({ name: `archive/data/${i + 1}`, data: '' })),
        ),
      ),
    { entries: 100 },
  ),
  refused('directory-large.pt', 'LIMIT', 'A directory of more bytes than the limit.', () => pt(['NONE']), {
    indexBytes: 100,
  }),
  refused('index.pt', 'LIMIT', 'A pickle of more bytes than the limit.', () => pt(text('x'.repeat(20_000))), {
    indexBytes: 10_000,
  }),
  {
    name: 'expanded-many.pt',
    code: 'LIMIT',
    attacks: 'A hundred views, each far below the limit of repeated elements, and together above it.',
    build: () => {
      const view = tensor({ size: tuple(number(1 << 10)), stride: tuple(number(0)) });
      return pt(['EMPTY_LIST'], ['MARK'], times(100, ...view), ['APPENDS']);
    },
    limits: { expandedBytes: 1 << 18 },
    eagerly: true,
  },
  harmless(
    'doubled-list.pt',
    'A list of 2^60 lists by the memo, of 60 objects: harmless as long as nobody walks it.',
    () => pt(['EMPTY_LIST'], ...doubling(60, ['TUPLE2'])),
    (value) => depthOf(value) === 60 && value[0] === value[1],
  ),
  harmless(
    'doubled-key.pt',
    'A tuple of 2^60 tuples as a key, by the memo, whose hash takes Python forever.',
    () => pt(['EMPTY_DICT'], ['EMPTY_TUPLE'], doubling(60, ['TUPLE2']), number(1), ['SETITEM']),
    (value) => value.size === 1 && depthOf([...value.keys()][0]) === 60,
  ),
  refused('deep-key.pt', 'LIMIT', 'A tuple as a key, 50,000 deep, for hashes that recurse.', () =>
    pt(['EMPTY_DICT'], ['EMPTY_TUPLE'], times(50_000, ['TUPLE1']), ...number(1), ['SETITEM']),
  ),
  harmless(
    'many-bytes.pt',
    'A thousand tensors of one storage, which must be read once.',
    () =>
      archive(
        records(pickle(['EMPTY_LIST'], ['MARK'], times(1_000, ...tensor()), ['APPENDS']), {
          name: 'archive/data/0',
          data: four,
        }),
      ),
    (value) => value.length === 1_000 && new Set(value.map((each: any) => each.storage)).size === 1,
  ),
  refused('sparse-memo.pt', 'LIMIT', 'Entry 2^32-1 of the memo, for readers that keep it in an array.', () =>
    pt(text('x'), ['LONG_BINPUT', 0xffffffff], ['LONG_BINGET', 0xffffffff], ['TUPLE2']),
  ),
  harmless(
    'cycle.pt',
    'A list that holds itself, and a dict that holds itself.',
    () =>
      pt(
        ...([['EMPTY_LIST'], ['BINPUT', 0], ['BINGET', 0], ['APPEND']] satisfies Op[]),
        ...([
          ['EMPTY_DICT'],
          ['BINPUT', 1],
          ...text('self'),
          ['BINGET', 1],
          ['SETITEM'],
          ['APPEND'],
        ] satisfies Op[]),
      ),
    (value) => value[0] === value && value[1].get('self') === value[1],
  ),
  harmless(
    'no-attributes.pt',
    'An OrderedDict whose attributes are an empty dict: it has none.',
    () => pt(call('collections OrderedDict'), ['EMPTY_DICT'], ['BUILD']),
    (value) => value.size === 0 && value.attributes === undefined,
  ),
  harmless(
    'attributes.pt',
    'An OrderedDict with the attributes __class__ and __proto__.',
    () =>
      pt(
        ...call('collections OrderedDict'),
        ...dict(text('__class__'), number(1), text('__proto__'), dict(text('polluted'), number(1))),
        ['BUILD'],
      ),
    (value) =>
      value.attributes.get('__class__') === 1 && value.attributes.get('__proto__').get('polluted') === 1,
  ),
];
