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
broken("permuted-named", swap_unique, named=True)
def named_and_text(sd):
    swap_unique(sd)
    rekey(lambda k, sd: str(k))(sd)
broken("permuted-text", named_and_text, named=True)
def rotate(sd):
    sd["state"] = {(k + 1) % 6: v for k, v in sd["state"].items()}
broken("wrong-shape", rotate)
broken("wrong-shape-named", rotate, named=True)
broken("uneven-state", lambda sd: sd["state"][0].__setitem__("exp_avg_sq", torch.ones(1)))
def zero(sd):
    for entry in sd["state"].values():
        entry["exp_avg"] = torch.zeros_like(entry["exp_avg"])
broken("zero-moments", zero)
broken("one-zero-moment", lambda sd: sd["state"][3]["exp_avg_sq"].zero_())
broken("non-finite", lambda sd: sd["state"][4]["exp_avg"].view(-1)[3:].fill_(float("nan")))
broken("nan-lr", lambda sd: sd["param_groups"][0].__setitem__("lr", float("nan")))
broken("nan-betas", lambda sd: sd["param_groups"][0].__setitem__("betas", (0.9, float("nan"))))
broken("nan-step", lambda sd: sd["state"][3].__setitem__("step", float("nan")))
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

net = model()
state_dict = train(net, torch.optim.LBFGS(net.parameters())).state_dict()
state_dict["state"][0]["old_dirs"][0][0] = float("nan")
state_dict["state"][0]["old_stps"][-1][0] = float("inf")
write("lbfgs-nan", {"optimizer": state_dict}, optimizer=None)

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

# From here on, all is as torch wrote it.
class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.module = torch.compile(model())
    def forward(self, x): return self.module(x)
class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen, self.w, self.b = (nn.Parameter(torch.ones(n)) for n in (5, 3, 2))
def right(name, optimizer, steps=12, **more):
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]: p.grad = torch.randn_like(p)
        optimizer.step()
    write(name, {"optimizer": optimizer.state_dict(), **more}, optimizer=None)

net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
backwards = list(net[1].parameters()) + list(net[0].parameters())
right("other-order", torch.optim.Adam(backwards), net=net.state_dict())
right("broadcast-order", torch.optim.Adam([backwards[1], backwards[3], backwards[0], backwards[2]]), net=net.state_dict())
# Torch before 1.6 had the addresses of parameters for ids.
train(net, old := torch.optim.Adam(backwards))
state_dict = old.state_dict()
state_dict["param_groups"][0]["params"] = [id(p) for p in backwards]
state_dict["state"] = {id(backwards[k]): v for k, v in state_dict["state"].items()}
write("addresses", {"optimizer": state_dict, "net": net.state_dict()}, optimizer=None)
net = Wrapped()
named = list(net.named_parameters())[::-1]
right("wrapped-names", torch.optim.Adam(named), net=net.module.state_dict())
right("other-names", torch.optim.Adam([("x." + n, p) for n, p in named]), net=net.module.state_dict())
net = Frozen()
right("extra-parameter", torch.optim.Adam([net.w, net.b, nn.Parameter(torch.ones(7))]), net=net.state_dict())
right("lone-dict", torch.optim.Adam([nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]),
      losses={"train": torch.ones(5), "test": torch.ones(5)})

def pair(name, schedules, steps=(3, 3), rates=(0.1, 0.2), overwrite=None):
    optimizers = [torch.optim.Adam([nn.Parameter(torch.ones(3))], lr=lr) for lr in rates]
    schedulers = [torch.optim.lr_scheduler.StepLR(optimizers[i], 1) for i in schedules]
    for i, optimizer in enumerate(optimizers):
        for _ in range(steps[i]):
            optimizer.param_groups[0]["params"][0].grad = torch.ones(3)
            optimizer.step()
    for scheduler in schedulers: scheduler.step()
    if overwrite is not None: optimizers[overwrite].param_groups[0]["lr"] = rates[overwrite]
    write(name, {"a": optimizers[0].state_dict(), "b": optimizers[1].state_dict(),
                 "schedulers": [scheduler.state_dict() for scheduler in schedulers]}, optimizer=None)
pair("one-of-two-scheduled", [0])
pair("other-of-two-scheduled", [1], rates=(0.1, 0.1))
pair("one-not-begun", [0], steps=(3, 0))
pair("both-scheduled", [0, 1])
pair("two-schedulers-one-overwritten", [0, 1], overwrite=1)
pair("one-scheduler-none-agrees", [0], overwrite=0)

net = model()
state_dict = train(net, adam(net)).state_dict()
write("shared-copies", {"optimizer": state_dict, "copy": {**state_dict}}, optimizer=None)

print(json.dumps(files).replace("NaN", "null"))
`;

interface Observed {
  withState: number;
  error: string | null;
  finite: boolean;
  /** null for NaN */
  step: (number | null)[];
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
  { file: 'permuted-named', model: true, codes: ['permuted-state'], withState: 6, error: 'RuntimeError' },
  { file: 'permuted-text', model: true, codes: ['string-ids', 'permuted-state'], withState: 0 },
  {
    file: 'wrong-shape-named',
    model: true,
    codes: ['wrong-shape'],
    withState: 6,
    error: 'RuntimeError',
  },
  { file: 'wrong-shape', model: true, codes: ['wrong-shape'], withState: 6, error: 'RuntimeError' },
  { file: 'uneven-state', codes: ['uneven-state'], withState: 6, error: 'RuntimeError' },
  { file: 'zero-moments', codes: ['zero-moments'], withState: 6 },
  { file: 'one-zero-moment', codes: ['zero-moments'], withState: 6 },
  { file: 'non-finite', codes: ['non-finite'], seen: (t, { finite }) => t.false(finite) },
  { file: 'nan-lr', codes: ['non-finite'], seen: (t, { finite }) => t.false(finite) },
  { file: 'nan-betas', codes: ['non-finite'], seen: (t, { finite }) => t.false(finite) },
  { file: 'nan-step', codes: ['non-finite'], seen: (t, { finite }) => t.false(finite) },
  { file: 'lbfgs-nan', codes: ['non-finite'] },
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
  'string-ids',
  'names-as-ids',
  'permuted-ids',
  'permuted-named',
  'permuted-text',
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

/** What torch wrote rightly, though some of it looks as if it were wrong. */
const right: Pick<Case, 'file' | 'codes'>[] = [
  { file: 'other-order', codes: ['permuted-state'] },
  { file: 'broadcast-order', codes: ['permuted-state'] },
  { file: 'addresses', codes: ['permuted-state'] },
  { file: 'wrapped-names', codes: [] },
  { file: 'other-names', codes: [] },
  { file: 'extra-parameter', codes: ['wrong-shape'] },
  { file: 'lone-dict', codes: [] },
  { file: 'one-of-two-scheduled', codes: ['alike-optimizers'] },
  { file: 'other-of-two-scheduled', codes: ['alike-optimizers'] },
  { file: 'one-not-begun', codes: ['alike-optimizers'] },
  { file: 'both-scheduled', codes: ['alike-optimizers'] },
  { file: 'shared-copies', codes: [] },
];

for (const { file, codes } of right) {
  test(`${file}.pt is right: no error, and no repair`, async (t) => {
    const findings = await auditFile(file);
    t.deepEqual(
      findings.map(({ code }) => code),
      codes,
      JSON.stringify(findings),
    );
    for (const { severity, repair } of findings) {
      t.not(severity, 'error');
      t.is(repair, undefined);
    }
  });
}

test('tells the order that state without names may be of', async (t) => {
  const [finding] = await auditFile('other-order');
  t.is(finding?.severity, 'warning');
  t.regex(finding?.cure ?? '', /in the order of this state: 1\.weight, 1\.bias, 0\.weight, 0\.bias$/);
});

test('of two optimizers, only one that no scheduler agrees with is told of', async (t) => {
  const findings = await auditFile('two-schedulers-one-overwritten');
  const [finding, ...others] = findings.filter(({ code }) => code !== 'alike-optimizers');
  t.like(finding, { code: 'lr-overwritten', severity: 'warning', path: 'b.param_groups[0].lr' });
  t.deepEqual(others, []);
});

test('where there are more optimizers than schedulers, an optimizer may have none', async (t) => {
  const findings = await auditFile('one-scheduler-none-agrees');
  t.deepEqual(
    findings.map(({ code, severity }) => [code, severity]),
    [
      ['lr-overwritten', 'note'],
      ['lr-overwritten', 'note'],
      ['alike-optimizers', 'note'],
    ],
  );
});

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

test('what it repairs, torch loads as if it had never been broken', async (t) => {
  for (const name of repairable) {
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
for name in ${JSON.stringify(repairable)}:
    repaired = torch.load(name + " repaired.pt")["optimizer"]
    result[name] = same(order(repaired), good["param_names" in repaired["param_groups"][0]]) and observe(repaired)["withState"] == 6
print(json.dumps(result))
`;
  const result = JSON.parse(String(await runPython(comparing, { cwd: folder }))) as Record<string, boolean>;
  t.deepEqual(result, Object.fromEntries(repairable.map((name) => [name, true])));
});
