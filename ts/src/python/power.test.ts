import test from 'ava';
import * as fc from 'fast-check';
import { power } from '../index.ts';
import { runPython } from '../testing/python.ts';

test('a power is the nearest double, and one less it is as in Python', async (t) => {
  const bases = fc.oneof(
    fc.constantFrom(0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1, 1 - 2 ** -53, -0.9),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  const exponents = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 200 }));
  const cases = fc.sample(fc.tuple(bases, exponents), { seed: 1, numRuns: 5000 });
  const code = `
import json, sys
from fractions import Fraction
cases = json.load(sys.stdin)
print(json.dumps([[float(Fraction(b) ** n) if n <= 200 else None, 1 - b ** float(n)] for b, n in cases]))`;
  const input = new TextEncoder().encode(JSON.stringify(cases));
  const expected = JSON.parse(String(await runPython(code, { input }))) as [number | null, number][];
  const wrong = cases.filter(([base, n], i) => {
    const [nearest, less] = expected[i]!;
    const ours = power(base, n);
    return (nearest !== null && Math.abs(nearest) > 1e-200 && ours !== nearest) || 1 - ours !== less;
  });
  t.deepEqual(wrong, []);
  t.true(
    cases.some(([base, n], i) => 1 - base ** n !== expected[i]![1]),
    "JavaScript's own power is not",
  );
});
