import test from 'ava';
import { open } from '../checkpoint/index.ts';
import { torchFiles } from '../testing/torch_files.ts';
import { survey, totalsOf } from './survey.ts';
import { treeLines, type TreeOptions } from './tree.ts';

const setup = `
base = torch.arange(12.)
def parameters(*sizes):
    return [torch.nn.Parameter(torch.zeros(2, n)) for n in sizes]

a, b, c = parameters(1, 2, 3)
sgd = torch.optim.SGD([{"params": [("first", a), ("second", b)]},
                       {"params": [("third", c)], "lr": 0.5, "mine": 1}], lr=1e-5, momentum=0.9)
for p in (a, c): p.grad = torch.ones_like(p)
sgd.step()

a, b = parameters(1, 1)
adam = torch.optim.Adam([a, b])
for i in range(5):
    a.grad = torch.ones_like(a)
    b.grad = torch.ones_like(b) if i < 2 else None
    adam.step()

shared = torch.ones(3)
ring = {"tensor": shared}
ring["self"] = ring
deep = 0
for _ in range(60): deep = [deep, deep, 0]
x = torch.zeros(6, 2)
`;

const files = torchFiles(setup, {
  kinds: `{"int": 3, "float": 3.0, "none": None, "yes": True, 7: (1, 2.5), "1": [], "list": [1, [2, [3]]],
    "text": "caf\\u00e9", "set": {1, 2.0}, "size": torch.Size([2]), "dtype": torch.bfloat16, "bytes": b"abc",
    "layer.0.weight": base[4:], "t": base.view(3, 4).t(), "scalar": torch.tensor(0.5), "flag": torch.tensor(True),
    "p": torch.nn.Parameter(torch.zeros(2, 3, dtype=torch.float16)), "q": torch.zeros(1, requires_grad=True),
    "empty": torch.zeros(0, 5)}`,
  sgd: '{"optimizer": sgd.state_dict()}',
  adam: 'adam.state_dict()',
  long: '{"long": {i: [torch.zeros(1)] for i in range(5000)}}',
  hostile: String.raw`{"\x1b[31mred\x9b2J\n": "\u202e\x07", "it's": "x\ny"}`,
  shared: '{"ring": ring, "again": shared, "deep": deep}',
  totals: '[x, x, x[1:], {"y": torch.zeros(3, dtype=torch.int64)}]',
});

async function tree(name: keyof Awaited<typeof files>, options?: TreeOptions): Promise<string[]> {
  await using file = await open((await files)[name]);
  const lines: string[] = [];
  for await (const line of treeLines(file.value, survey(file.value), options)) lines.push(line);
  return lines;
}

test('shows types, values, dtypes, and how tensors lie in their storages', async (t) => {
  t.deepEqual(await tree('kinds'), [
    'dict of 19',
    '  int: 3',
    '  float: 3.0',
    '  none: None',
    '  yes: True',
    '  7: (1, 2.5)',
    "  '1': []",
    '  list: list of 2',
    '    0: 1',
    '    1: [2, [3]]',
    "  text: 'café'",
    '  set: {1, 2.0}',
    '  size: torch.Size([2])',
    '  dtype: torch.bfloat16',
    '  bytes: bytes of 3',
    '  layer.0.weight: float32 [8], 32 B, offset 4, in shared storage 1',
    '  t: float32 [4, 3], 48 B, stride [1, 4], in shared storage 1',
    '  scalar: float32 [] = 0.5',
    '  flag: bool [] = True',
    '  p: Parameter float16 [2, 3], 12 B',
    '  q: float32 [1], 4 B, requires grad',
    '  empty: float32 [0, 5], 0 B',
  ]);
});

test('shows the groups of an optimizer as a table, and its state by parameter', async (t) => {
  const lines = await tree('sgd');
  t.is(lines[1], '  optimizer: dict of 2, the state dict of an optimizer');
  t.is(lines[2], '    3 parameters in 2 groups');
  const table = lines.slice(3).map((line) => line.trim().split(/ {2,}/));
  t.deepEqual(table[0], ['group 0', 'group 1']);
  t.deepEqual(table[1], ['params', '[0, 1]', '[2]']);
  t.deepEqual(table[2], ['param_names', "['first', 'second']", "['third']"]);
  t.deepEqual(
    table.find(([option]) => option === 'lr'),
    ['lr', '1e-05', '0.5'],
  );
  t.deepEqual(
    table.find(([option]) => option === 'mine'),
    ['mine', '-', '1'],
  );
  t.deepEqual(lines.slice(-3), [
    '    state',
    "      0 'first': momentum_buffer float32 [2, 1]",
    "      2 'third': momentum_buffer float32 [2, 3]",
  ]);
});

test('shows the step counts of an optimizer as a range', async (t) => {
  t.is((await tree('adam'))[1], '  2 parameters in 1 group, step 2 to 5');
});

test('shows an optimizer as the dict that it is, where all is wanted', async (t) => {
  const lines = await tree('sgd', { all: true });
  t.true(lines.includes('        momentum_buffer: float32 [2, 1], 8 B'));
  t.false(lines.some((line) => line.includes('group 0')));
});

test('counts what is too long to show, and shows it where all is wanted', async (t) => {
  const lines = await tree('long');
  t.is(lines.length, 2 + 2 * 100 + 1);
  t.is(lines.at(-1), '    … and 4,900 more entries (--all shows them)');
  t.is((await tree('long', { all: true })).length, 2 + 2 * 5000);
});

test('escapes what a terminal would obey, in names and in values', async (t) => {
  const lines = await tree('hostile');
  t.deepEqual(lines.slice(1), [
    String.raw`  '\x1b[31mred\x9b2J\n': '\u202e\x07'`,
    String.raw`  "it's": 'x\ny'`,
  ]);
});

test('shows once what can be reached twice, also from within', async (t) => {
  const lines = await tree('shared');
  t.true(lines.includes('    self: dict of 2, the same as ring'));
  t.true(lines.includes('  again: float32 [3], the same as ring.tensor'));
  t.true(lines.length < 400);
});

test('counts tensors and storages once', async (t) => {
  await using file = await open((await files).totals);
  const found = survey(file.value);
  t.deepEqual([...found.tensors.values()], ['[0]', '[2]', '[3].y']);
  t.deepEqual([...found.storages.values()], [2, 1]);
  t.deepEqual(totalsOf(found), { elements: 12 + 10 + 3, storageBytes: 48 + 24 });
});
