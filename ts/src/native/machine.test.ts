import test from 'ava';
import { checkPlatform } from './machine.ts';

test('a machine that TensorFlow has no tested wheel for is refused, and it says which one it is', (t) => {
  for (const [platform, arch] of [
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'arm64'],
  ] as const) {
    const error = t.throws(() => checkPlatform(platform, arch), { name: 'SetupError' });
    t.true(error.message.includes(`this is ${platform} ${arch}`));
  }
});
