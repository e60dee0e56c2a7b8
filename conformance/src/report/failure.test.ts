import test from 'ava';
import { verify } from '../verify.ts';
import { smallPrograms } from '../testing/programs.ts';
import { toySubject, ToyOracle } from '../testing/toy.ts';
import { failureText } from './failure.ts';

test('a failure says what, where, by how much, and how to see it again', async (t) => {
  const subject = toySubject((theta, grad, lr) => (theta - lr * grad) * (1 + 2 ** -23));
  const { failure } = await verify({
    subject,
    oracle: new ToyOracle(),
    programs: smallPrograms,
    runs: 10,
    seed: 3,
  });
  const { smallest, found, complete } = failure!;
  const { element } = smallest.judgement.finding!.difference;
  const text = failureText(smallest, {
    ...{ subject: 'toy', torch: '2.15.0', file: 'build/conformance/found/x.json', complete },
    ...{ found: found.source, explanation: 'the result is scaled' },
  });
  t.true('path' in smallest.source && text.includes(`seed 3, path ${smallest.source.path}`));
  for (const part of [
    'toy differs from torch 2.15.0, and claims to be exact',
    /Adadelta\(lr=[\d.]+\), float32, parameters \[1\]/,
    'after command 2 of 2 (step 1): params[0][0]',
    `0x${element!.oursBits.toString(16)}`,
    `0x${element!.theirsBits.toString(16)}`,
    String(element!.ours),
    String(element!.theirs),
    '1 ulp apart, 0 are allowed',
    'It behaves as if the result is scaled.',
    'seed 3, path 0',
    'stored    build/conformance/found/x.json',
    'npx torch-conformance replay build/conformance/found/x.json',
    /optimizer = torch\.optim\.Adadelta\(\[p\[0\]\], lr=[\d.]+\)\np\[0\]\.grad = torch\.tensor\(.*\)\nloss = optimizer\.step\(\)\nprint\(p\[0\]\.tolist\(\)\)$/,
  ]) {
    t.true(typeof part === 'string' ? text.includes(part) : part.test(text), `${part} in:\n${text}`);
  }
  t.true(text.split('\n').length <= 40);
});
