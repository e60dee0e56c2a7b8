import test from 'ava';
import fc from 'fast-check';
import { JsonError, parseJson, type Json } from './json.ts';

function plain(json: Json): unknown {
  if (Array.isArray(json)) return json.map(plain);
  if (!(json instanceof Map)) return json;
  const object = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of json) object[name] = plain(value);
  return object;
}

test('what JSON.parse takes is taken as the same, and what it refuses is refused', (t) => {
  const text = fc.json({ stringUnit: 'binary' });
  const damaged = fc
    .tuple(
      text,
      fc.nat(),
      fc.constantFrom('', ',', '"', '{', '}', '[', ']', ':', '0', '.', 'e', '\\', '\n', 'x'),
    )
    .map(([json, at, insert]) => {
      const start = at % (json.length + 1);
      return json.slice(0, start) + insert + json.slice(start + 1);
    });
  const spaced = text.map((json) => JSON.stringify(JSON.parse(json), null, '\t '));
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(text, spaced, damaged), (json) => {
      let expected: unknown;
      try {
        expected = JSON.parse(json);
      } catch {
        refused++;
        t.throws(() => parseJson(json, 1000), { instanceOf: JsonError });
        return;
      }
      try {
        t.is(JSON.stringify(plain(parseJson(json, 1000))), JSON.stringify(expected));
      } catch (error) {
        // A damaged text may have a name twice, which JSON.parse takes.
        t.regex((error as Error).message, /comes twice/);
      }
    }),
    { numRuns: 2000 },
  );
  t.true(refused > 100);
});

test('a name that comes twice is refused, however it is spelled', (t) => {
  t.throws(() => parseJson('{"a":1,"b":{"a":2},"\\u0061":3}', 9), { message: /"a" comes twice/ });
  t.deepEqual(
    parseJson('{"__proto__":1,"b":{"__proto__":2}}', 9),
    new Map<string, Json>([
      ['__proto__', 1],
      ['b', new Map([['__proto__', 2]])],
    ]),
  );
});

test('depth has a limit', (t) => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  t.deepEqual(parseJson(nested(3), 3), [[[]]]);
  t.true(t.throws(() => parseJson(nested(4), 3), { instanceOf: JsonError })?.depth);
  t.true(t.throws(() => parseJson('[{"a":'.repeat(50_000), 1000), { instanceOf: JsonError })?.depth);
});
