import test, { type ExecutionContext } from 'ava';
import { open, OrderedDict, saveToBytes, TensorData } from '../checkpoint/index.ts';
import { audit } from './audit.ts';
import type { Finding } from './finding.ts';

/** Lists that are few, and as text 2 to the power of 40. */
const shared = Array.from({ length: 40 }).reduce<unknown[]>((inner) => [inner, inner], [0]);

async function findingsIn(t: ExecutionContext, value: unknown): Promise<Finding[]> {
  await using file = await open(await saveToBytes(value));
  const findings: Finding[] = [];
  const start = process.cpuUsage();
  for await (const finding of audit(file.value)) findings.push(finding);
  const { user, system } = process.cpuUsage(start);
  t.true(user + system < 10e6); // of the processor, which others use, too
  return findings;
}

test.serial('takes no list for a number: as text it may be longer than memory', async (t) => {
  const group = {
    params: [0],
    lr: shared,
    initial_lr: shared,
    momentum: shared,
    dampening: 0,
    betas: shared,
  };
  const scheduler = { _last_lr: [shared], base_lrs: [shared], last_epoch: shared };
  const entry = new Map([['step', shared]]);
  const optimizer = { state: new Map([[0, entry]]), param_groups: [group] };
  const empty = { state: new Map(), param_groups: [group] };
  t.deepEqual(await findingsIn(t, { optimizer, scheduler }), []);
  t.deepEqual(await findingsIn(t, { empty, scheduler }), []);
});

test.serial('walks once through a list of state that many parameters share', async (t) => {
  const list = Array.from({ length: 3000 }, () => NaN);
  const ids = list.map((_, i) => i);
  const state = new Map(ids.map((id) => [id, new Map([['old_dirs', list]])]));
  const [finding] = await findingsIn(t, { state, param_groups: [{ params: ids, history_size: 9 }] });
  t.regex(finding?.found ?? '', /in 3,000 places: state\[0\]\.old_dirs\[0\], /);
});

test.serial('orders many parameters in no time', async (t) => {
  const count = 20_000;
  const ids = Array.from({ length: count }, (_, i) => count - 1 - i);
  const tensors = ids.map((id) => new TensorData('float32', [count - id, 0], new Uint8Array(0)));
  const model = new OrderedDict(tensors.map((tensor, i) => [`${i}`, tensor]));
  model.attributes = new Map([['_metadata', new OrderedDict()]]);
  const moments = tensors.map((tensor, i) => [i, new Map([['sum', tensor]])] as const);
  const findings = await findingsIn(t, { model, state: new Map(moments), param_groups: [{ params: ids }] });
  t.deepEqual(
    findings.map(({ code }) => code),
    ['id-order', 'permuted-state'],
  );
});

test.serial('takes groups and ids once that a file refers to often', async (t) => {
  const params = Array.from({ length: 10_000 }, (_, i) => i);
  const more = params.map((i) => [`option ${i}`, i] as const);
  const group = new Map<unknown, unknown>([['params', params], ['weightDecay', 0], ...more]);
  const groups = params.map(() => group);
  const findings = await findingsIn(t, { state: new Map(), param_groups: groups });
  t.deepEqual(
    findings.map(({ code }) => code),
    ['duplicate-ids', 'misspelt-option'],
  );
});
