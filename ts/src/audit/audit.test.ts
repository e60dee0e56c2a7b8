import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { open, save } from '../checkpoint/index.ts';
import { runPython } from '../testing/python.ts';
import { audit } from './audit.ts';
import { momentKeys } from './subject.ts';
import { torchOptions } from './options.ts';
import type { Finding, FindingCode } from './finding.ts';

const folder = mkdtempSync(join(tmpdir(), 'torch-parity-audit-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Names that both scripts use: a model, an optimizer that trained it, and what torch does with a state dict. */
const common = `
import copy, json, torch
from torch import nn
torch.set_num_threads(1)

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.last = nn.Linear(4, 2)
    def forward(self, x): return self.last(self.second(self.first(x)))

def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))

def train(net, optimizer, steps=12):
    torch.manual_seed(1)
    for _ in range(steps):
        def closure():
            optimizer.zero_grad()
            loss = net(torch.randn(8, 4)).square().sum()
            loss.backward()
            return loss
        optimizer.step(closure)
    return optimizer

def adam(net, named=False):
    return torch.optim.Adam(net.named_parameters() if named else net.parameters(), lr=0.01)

def observe(state_dict, named=False):
    """What torch does when it loads this, and takes a step."""
    net = model()
    optimizer = adam(net, named)
    optimizer.load_state_dict(state_dict)
    parameters = list(net.parameters())
    seen = {
        "withState": sum("exp_avg" in optimizer.state[p] for p in parameters if p in optimizer.state),
        "finite": True, "error": None,
    }
    try:
        train(net, optimizer, 1)
    except Exception as error:
        seen["error"] = type(error).__name__
    seen["finite"] = all(bool(p.isfinite().all()) for p in parameters)
    seen["step"] = [float(optimizer.state[p]["step"]) for p in parameters if "step" in optimizer.state[p]]
    seen["dtypes"] = sorted({str(s["exp_avg"].dtype) for s in (optimizer.state[p] for p in parameters) if "exp_avg" in s})
    return seen
`;

const writing = `${common}
files = {}
def write(name, value, named=False, optimizer="optimizer"):
    torch.save(value, name + ".pt")
    files[name] = observe(copy.deepcopy(value[optimizer]), named) if optimizer else None

def broken(name, change, named=False, **more):
    net = model()
    value = copy.deepcopy({"optimizer": train(net, adam(net, named)).state_dict(), **more})
    change(value["optimizer"])
    write(name, value, named)

net = model()
trained = train(net, adam(net))
torch.save(net.state_dict(), "model.pt")
torch.save({"optimizer": train(net := model(), adam(net)).state_dict()}, "good.pt")
torch.save({"optimizer": train(net := model(), adam(net, True)).state_dict()}, "good-named.pt")

def rekey(new):
    def change(sd):
        sd["state"] = {new(k, sd): v for k, v in sd["state"].items()}
    return change
broken("string-ids", rekey(lambda k, sd: str(k)))
broken("names-as-ids", rekey(lambda k, sd: sd["param_groups"][0]["param_names"][k]), named=True)
broken("duplicate-ids", lambda sd: sd["param_groups"][0]["params"].__setitem__(1, 0))
broken("orphan-state", rekey(lambda k, sd: 99 if k == 5 else k))
broken("missing-state", lambda sd: sd["state"].pop(2))

def swap_equal(sd):
    sd["param_groups"][0]["params"] = [0, 2, 1, 3, 4, 5]
broken("id-order", swap_equal)

def sorted_as_text(sd):
    sd["param_groups"][0]["params"] = [5, 4, 3, 2, 1, 0]
broken("permuted-ids", sorted_as_text)
def swap_unique(sd):
    sd["state"][0], sd["state"][5] = sd["state"][5], sd["state"][0]
broken("permuted-state", swap_unique)
def rotate(sd):
    sd["state"] = {(k + 1) % 6: v for k, v in sd["state"].items()}
broken("wrong-shape", rotate)
broken("uneven-state", lambda sd: sd["state"][0].__setitem__("exp_avg_sq", torch.ones(1)))
def zero(sd):
    for entry in sd["state"].values():
        entry["exp_avg"] = torch.zeros_like(entry["exp_avg"])
broken("zero-moments", zero)
broken("one-zero-moment", lambda sd: sd["state"][3]["exp_avg_sq"].zero_())
broken("non-finite", lambda sd: sd["state"][4]["exp_avg"].view(-1)[3:].fill_(float("nan")))
def half(dtype):
    def change(sd):
        for entry in sd["state"].values():
            for key in ("exp_avg", "exp_avg_sq"):
                entry[key] = entry[key].to(dtype)
    return change
broken("half-state", half(torch.bfloat16))
broken("float16-state", half(torch.float16))
broken("cast-state", half(torch.float64))
def set_step(value, dtype, only=range(6)):
    def change(sd):
        for i in only:
            sd["state"][i]["step"] = torch.tensor(float(value), dtype=dtype)
    return change
broken("step-dtype", set_step(12, torch.bfloat16))
broken("stuck-step", set_step(256, torch.bfloat16))
broken("uneven-steps", set_step(5000, torch.float32, [1]))
def camel(sd):
    group = sd["param_groups"][0]
    sd["param_groups"][0] = {("weightDecay" if k == "weight_decay" else k): v for k, v in group.items()}
broken("misspelt-option", camel)
def both(sd):
    sd["param_groups"][0]["weightDecay"] = 0.1
broken("both-spellings", both)

# A scheduler that is made after the optimizer's state was loaded, and then loaded itself.
net = model()
optimizer = adam(net)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 ** epoch)
for _ in range(3):
    train(net, optimizer, 4)
    scheduler.step()
again = adam(net)
again.load_state_dict(optimizer.state_dict())
late = torch.optim.lr_scheduler.LambdaLR(again, lambda epoch: 0.5 ** epoch)
late.load_state_dict(scheduler.state_dict())
write("lr-overwritten", {"optimizer": again.state_dict(), "scheduler": late.state_dict()})
write("initial-lr", {"optimizer": (lambda sd: sd["param_groups"][0].__setitem__("initial_lr", 0.5) or sd)(optimizer.state_dict()), "scheduler": scheduler.state_dict()})
write("empty-state", {"optimizer": {**optimizer.state_dict(), "state": {}}, "scheduler": scheduler.state_dict()})

# Of several schedulers in one, those inside are behind.
net = model()
optimizer = adam(net)
sequential = torch.optim.lr_scheduler.SequentialLR(
    optimizer, [torch.optim.lr_scheduler.ConstantLR(optimizer), torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)], [2])
for _ in range(5):
    train(net, optimizer, 3)
    sequential.step()
optimizer.param_groups[0]["lr"] = sequential.state_dict()["_schedulers"][0]["_last_lr"][0]
write("lr-of-an-inner-scheduler", {"optimizer": optimizer.state_dict(), "scheduler": sequential.state_dict()})

net = Tied()
state_dict = train(net, adam(net)).state_dict()
state_dict["state"][0], state_dict["state"][2] = state_dict["state"][2], state_dict["state"][0]
write("permuted-tied", {"optimizer": state_dict, "net": net.state_dict()}, optimizer=None)

other = model()
write("alike-optimizers", {"optimizer": trained.state_dict(), "other": train(other, adam(other)).state_dict()})
net = model()
two = torch.optim.AdamW([{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.1}])
train(net, two)
state_dict = two.state_dict()
del state_dict["param_groups"][1]["decoupled_weight_decay"]
write("uneven-options", {"optimizer": state_dict}, optimizer=None)

print(json.dumps(files))
`;

interface Observed {
  withState: number;
  error: string | null;
  finite: boolean;
  step: number[];
  dtypes: string[];
}

const observed = runPython(writing, { cwd: folder }).then(
  (text) => JSON.parse(String(text)) as Record<string, Observed>,
);

async function auditFile(name: string, model?: string): Promise<Finding[]> {
  await observed;
  await using file = await open(join(folder, `${name}.pt`));
  await using modelFile = model === undefined ? undefined : await open(join(folder, `${model}.pt`));
  const findings: Finding[] = [];
  for await (const finding of audit(file.value, { model: modelFile?.value })) findings.push(finding);
  return findings;
}

/** What a file is found to have, and what torch was seen to do with it. */
interface Case {
  file: string;
  model?: boolean;
  codes: FindingCode[];
  /** Of six parameters, those whose moments torch loads. */
  withState?: number;
  error?: string;
  seen?: (t: ExecutionContext, observed: Observed) => void;
}

const cases: Case[] = [
  { file: 'string-ids', codes: ['string-ids'], withState: 0 },
  { file: 'names-as-ids', codes: ['string-ids'], withState: 0 },
  { file: 'duplicate-ids', codes: ['orphan-state', 'duplicate-ids'], withState: 5, error: 'RuntimeError' },
  { file: 'orphan-state', codes: ['orphan-state', 'missing-state'], withState: 5 },
  { file: 'missing-state', codes: ['missing-state'], withState: 5 },
  { file: 'id-order', codes: ['id-order'], withState: 6 },
  { file: 'id-order', model: true, codes: ['id-order'] },
  {
    file: 'permuted-ids',
    model: true,
    codes: ['id-order', 'permuted-state'],
    withState: 6,
    error: 'RuntimeError',
  },
  { file: 'permuted-state', model: true, codes: ['permuted-state'], withState: 6, error: 'RuntimeError' },
  { file: 'wrong-shape', model: true, codes: ['wrong-shape'], withState: 6, error: 'RuntimeError' },
  { file: 'uneven-state', codes: ['uneven-state'], withState: 6, error: 'RuntimeError' },
  { file: 'zero-moments', codes: ['zero-moments'], withState: 6 },
  { file: 'one-zero-moment', codes: ['zero-moments'], withState: 6 },
  { file: 'non-finite', codes: ['non-finite'], seen: (t, { finite }) => t.false(finite) },
  {
    file: 'half-state',
    codes: ['half-state'],
    seen: (t, { dtypes }) => t.deepEqual(dtypes, ['torch.float32']),
  },
  { file: 'half-state', model: true, codes: ['half-state', 'cast-state'] },
  // The gradients before a batch norm are so small that float16 has 0 for them.
  { file: 'float16-state', codes: ['half-state', 'zero-moments', 'zero-moments'] },
  {
    file: 'cast-state',
    model: true,
    codes: ['cast-state'],
    seen: (t, { dtypes }) => t.deepEqual(dtypes, ['torch.float32']),
  },
  { file: 'step-dtype', codes: ['step-dtype'], seen: (t, { step }) => t.is(step[0], 13) },
  { file: 'stuck-step', codes: ['step-dtype'], seen: (t, { step }) => t.is(step[0], 256) },
  { file: 'uneven-steps', codes: ['uneven-steps'], withState: 6 },
  { file: 'misspelt-option', codes: ['misspelt-option'], error: 'KeyError' },
  { file: 'both-spellings', codes: ['misspelt-option'], withState: 6 },
  { file: 'lr-overwritten', codes: ['lr-overwritten'], withState: 6 },
  { file: 'lr-of-an-inner-scheduler', codes: ['lr-overwritten'], withState: 6 },
  { file: 'permuted-tied', codes: ['permuted-state'] },
  { file: 'initial-lr', codes: ['initial-lr'], withState: 6 },
  { file: 'empty-state', codes: ['empty-state'], withState: 0 },
  { file: 'alike-optimizers', codes: ['alike-optimizers'], withState: 6 },
  { file: 'uneven-options', codes: ['uneven-options'] },
];

/** Those of the cases in which there is one right way. */
const repairable = [
  'permuted-tied',
  'string-ids',
  'names-as-ids',
  'permuted-ids',
  'permuted-state',
  'step-dtype',
  'misspelt-option',
];

for (const { file, model = false, codes, withState, error = null, seen } of cases) {
  test(`${file}.pt${model ? ' beside its model' : ''}: finds what torch does not say`, async (t) => {
    const findings = await auditFile(file, model ? 'model' : undefined);
    t.deepEqual(findings.map(({ code }) => code).toSorted(), codes.toSorted(), JSON.stringify(findings));
    t.is(
      findings.some(({ repair }) => repair !== undefined),
      repairable.includes(file),
    );
    const torch = (await observed)[file];
    if (withState !== undefined) t.is(torch?.withState, withState);
    if (torch) t.is(torch.error, error);
    if (torch && seen) seen(t, torch);
  });
}

test('tells the usual cause of a learning rate that was overwritten', async (t) => {
  const [finding] = await auditFile('lr-overwritten');
  t.regex(finding?.found ?? '', /^lr is 0\.01, and scheduler set 0\.00125 last; lr is initial_lr$/);
  t.regex(finding?.cure ?? '', /after load_state_dict sets lr back: make it first/);
});

const harmless = `${common}
net = model()
names = [name for name, kind in vars(torch.optim).items() if isinstance(kind, type) and kind is not torch.optim.Optimizer]
made = []
for name in names:
    net = nn.Linear(4, 3, bias=False) if name == "Muon" else model()
    options = {"SGD": {"lr": 1e-3, "momentum": 0.9}, "RMSprop": {"momentum": 0.9, "centered": True},
               "Adam": {"amsgrad": True}}.get(name, {})
    optimizer = getattr(torch.optim, name)(net.parameters(), **options)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    if name == "SparseAdam":
        for _ in range(12):
            for p in net.parameters(): p.grad = torch.randn_like(p).to_sparse()
            optimizer.step()
    else:
        train(net, optimizer)
    scheduler.step()
    state_dict = optimizer.state_dict()
    torch.save({"net": net.state_dict(), "optimizer": state_dict, "scheduler": scheduler.state_dict()}, f"good {name}.pt")
    moments = {key for entry in state_dict["state"].values() for key, value in entry.items()
               if torch.is_tensor(value) and any(value.shape == p.shape for p in net.parameters())}
    made.append({"name": name, "moments": sorted(moments), "options": sorted(state_dict["param_groups"][0])})
def keep(name, optimizer, net=None, scheduler=None):
    made.append({"name": name, "moments": [], "options": []})
    torch.save({"optimizer": optimizer.state_dict(), **({"net": net.state_dict()} if net else {}),
                **({"scheduler": scheduler.state_dict()} if scheduler else {})}, f"good {name}.pt")

# SGD keeps no state for groups without momentum.
net = model()
plain = torch.optim.SGD(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(plain, 2)
train(net, plain)
scheduler.step()
keep("plain SGD", plain, net, scheduler)
net = model()
mixed = torch.optim.SGD([{"params": net[0].parameters(), "momentum": 0.9}, {"params": net[2].parameters()}], lr=1e-3)
keep("mixed SGD", train(net, mixed))
# A tied weight stands twice in the model's state dict, and once in the optimizer's.
net = Tied()
keep("tied", train(net, adam(net)), net)
# Groups that take the parameters in another order than the model's: what is whose, only names could tell.
net = model()
keep("groups", train(net, torch.optim.Adam([{"params": net[2].parameters()}, {"params": [p for i in (0, 1) for p in net[i].parameters()]}])), net)
# After a few steps, moments may well be 0.
net = model()
young = adam(net)
for _ in range(5):
    for p in net.parameters(): p.grad = torch.zeros_like(p)
    young.step()
keep("young", young, net)
fresh = adam(model())
keep("fresh", fresh, None, torch.optim.lr_scheduler.StepLR(fresh, 2))
# Learning rates that several schedulers, or one of schedulers, set.
L = torch.optim.lr_scheduler
def schedules():
    yield "sequential", lambda o: L.SequentialLR(o, [L.ConstantLR(o), L.ExponentialLR(o, 0.9)], [2])
    yield "chained", lambda o: L.ChainedScheduler([L.ConstantLR(o), L.ExponentialLR(o, 0.9)])
    yield "plateau", lambda o: L.ReduceLROnPlateau(o, patience=0)
    yield "one cycle", lambda o: L.OneCycleLR(o, 0.1, total_steps=50)
for name, make in schedules():
    net = model()
    optimizer = adam(net)
    scheduler = make(optimizer)
    for _ in range(4):
        train(net, optimizer, 3)
        scheduler.step(*([1.0] if name == "plateau" else []))
    keep(name, optimizer, None, scheduler)
print(json.dumps(made))
`;

interface Made {
  name: string;
  moments: string[];
  options: string[];
}

test('finds nothing in what torch wrote, whichever optimizer and scheduler', async (t) => {
  const made = JSON.parse(String(await runPython(harmless, { cwd: folder }))) as Made[];
  t.true(made.length > 20);
  for (const { name, moments, options } of made) {
    t.deepEqual(await auditFile(`good ${name}`), [], name);
    if (name === 'LBFGS') continue; // it keeps the state of all parameters as one
    t.deepEqual(
      moments.filter((key) => !momentKeys.has(key)),
      [],
      name,
    );
    t.deepEqual(
      options.filter((key) => !torchOptions.has(key) && key !== 'initial_lr'),
      [],
      name,
    );
  }
});

test('says so where a model cannot be compared', async (t) => {
  await observed;
  const notes = await Promise.all([auditFile('uneven-options', 'model'), auditFile('good', 'string-ids')]);
  for (const findings of notes)
    t.true(findings.some(({ code, severity }) => code === 'not-compared' && severity === 'note'));
});

/** Those of one and the same model. */
const restored = repairable.filter((name) => name !== 'permuted-tied');

test('what it repairs, torch loads as if it had never been broken', async (t) => {
  for (const name of restored) {
    await observed;
    await using file = await open(join(folder, `${name}.pt`));
    await using model = await open(join(folder, 'model.pt'));
    for await (const { repair } of audit(file.value, { model: model.value })) repair?.();
    await save(file.value, join(folder, `${name} repaired.pt`));
  }
  const comparing = `${common}
def same(a, b):
    if torch.is_tensor(a): return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict): return list(a) == list(b) and all(type(k) is type(l) for k, l in zip(a, b)) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)): return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b
def order(state_dict):
    return {**state_dict, "state": {k: state_dict["state"][k] for k in sorted(state_dict["state"])}}
good = {named: torch.load(f"good{'-named' if named else ''}.pt")["optimizer"] for named in (False, True)}
result = {}
for name in ${JSON.stringify(restored)}:
    repaired = torch.load(name + " repaired.pt")["optimizer"]
    result[name] = same(order(repaired), good[name == "names-as-ids"]) and observe(repaired)["withState"] == 6
print(json.dumps(result))
`;
  const result = JSON.parse(String(await runPython(comparing, { cwd: folder }))) as Record<string, boolean>;
  t.deepEqual(result, Object.fromEntries(restored.map((name) => [name, true])));
});
