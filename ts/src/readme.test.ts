import { readFile } from 'node:fs/promises';
import test from 'ava';
import { ProgramFolder } from './testing/programs.ts';

const folder = new ProgramFolder('readme');

/** The code blocks of a language, each as it stands. */
async function blocks(language: string): Promise<string[]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  return Array.from(
    readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')),
    ([, code]) => code!,
  );
}

/** The code block whose first line is this file's name, in a comment. */
async function blockNamed(name: string): Promise<string> {
  const language = name.endsWith('.py') ? 'python' : 'js';
  const found = (await blocks(language)).find((code) => code.split('\n')[0]!.endsWith(` ${name}`));
  if (found === undefined) throw new Error(`README has no block ${name}`);
  return found;
}

test("README's first example runs as it stands, and is TypeScript too", async (t) => {
  const [example = ''] = await blocks('js');
  const stdout = await folder.run(
    'line.mts',
    example.replace('.get(0)', '.get(0)!').replaceAll('()[0]', '()[0]!'),
  );
  const losses = Array.from(stdout.matchAll(/^\d+ ([\d.e-]+)$/gm), ([, loss]) => Number(loss));
  t.true(losses.length >= 2 && losses.at(-1)! < losses[0]! / 100, stdout);
  t.regex(stdout, /^Adadelta \(\nParameter Group 0\n {4}capturable: False\n/m);
  t.regex(stdout, /square_avg: TensorData/);
});

test("README's second example runs", async (t) => {
  const [example = ''] = await blocks('ts');
  const stdout = await folder.run('groups.mts', example);
  t.regex(stdout, /14/);
  t.regex(stdout, /^stepped 2$/m);
});

test("README's optimizer of one's own runs", async (t) => {
  const [, example = ''] = await blocks('ts');
  t.regex(await folder.run('sign_sgd.mts', example), /^fused Float32Array\(2\) \[ 0\.5, -1\.5 \]$/m);
});

/** Hands the first half over without a step: whatever differs then was lost on the way. */
const handOver = `
import { Adadelta, Parameter } from 'torch-parity';
import { load, save } from 'torch-parity/checkpoint';
import '@tensorflow/tfjs-node-gpu';
const checkpoint = await load('half.pt');
const model = checkpoint.get('model');
const params = ['weight', 'bias'].map((name) => new Parameter(model.get(name)));
const optimizer = new Adadelta(params);
optimizer.loadStateDict(checkpoint.get('optimizer'));
model.set('weight', params[0]).set('bias', params[1]);
checkpoint.set('optimizer', optimizer.stateDict());
await save(checkpoint, 'handed_over.pt');
`;

/** Prints whether both files hold the same, and how far three ways of training are from one that was not interrupted. */
const judge = `
import io, torch, start

def same(one, two):
    if type(one) is not type(two):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == two.dtype and one.shape == two.shape and one.numpy().tobytes() == two.numpy().tobytes()
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two

def load(name):
    checkpoint = torch.load(name, weights_only=True)
    start.model.load_state_dict(checkpoint['model'])
    start.optimizer.load_state_dict(checkpoint['optimizer'])

half, handed_over = torch.load('half.pt'), torch.load('handed_over.pt')
if isinstance(half['optimizer']['state'][0]['step'], torch.Tensor):
    print(same(half, handed_over) and half['model']._metadata == handed_over['model']._metadata)
else:
    print('not compared: this torch counts steps in an int, and newer ones, as we, in a tensor')

def weights():
    return torch.cat([p.detach().flatten() for p in start.model.parameters()])

load('half.pt')
start.train(200)
whole = weights()
load('half.pt')
start.optimizer.state.clear()
start.train(200)
print(float((weights() - whole).abs().max()))
load('finished.pt')
print(float((weights() - whole).abs().max()))
`;

test('README: PyTorch starts, TypeScript goes on, PyTorch finishes, as if nobody had interrupted', async (t) => {
  await folder.run('start.py', await blockNamed('start.py'));
  await folder.run('go_on.mjs', await blockNamed('go_on.mjs'));
  const stdout = await folder.run('finish.py', await blockNamed('finish.py'));
  t.regex(stdout, /^300 steps, loss \d\.\d+e-\d\d$/m);
  await folder.run('hand_over.mjs', handOver);
  const [handedOver, lost, resumed] = (await folder.run('judge.py', judge)).split('\n');
  if (handedOver!.startsWith('not compared')) t.log(handedOver);
  else t.is(handedOver, 'True');
  // tfjs sums a gradient in another order than torch, so the last bits differ; without its state it would be another run.
  t.log(`${resumed} from a run in torch alone; ${lost} if the optimizer's state were lost`);
  t.true(Number(resumed) < Number(lost) / 1000, `${resumed} ${lost}`);
});
