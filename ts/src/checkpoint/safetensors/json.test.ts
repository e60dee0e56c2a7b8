import test from 'ava';
import fc from 'fast-check';
import { JsonError, parseJson, type Json, type JsonLimits } from './json.ts';

const limits: JsonLimits = { depth: 1000, items: 1_000_000 };

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
        t.throws(() => parseJson(json, limits), { instanceOf: JsonError });
        return;
      }
      try {
        t.is(JSON.stringify(plain(parseJson(json, limits))), JSON.stringify(expected));
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
  t.throws(() => parseJson('{"a":1,"b":{"a":2},"\\u0061":3}', limits), { message: /"a" comes twice/ });
  t.deepEqual(
    parseJson('{"__proto__":1,"b":{"__proto__":2}}', limits),
    new Map<string, Json>([
      ['__proto__', 1],
      ['b', new Map([['__proto__', 2]])],
    ]),
  );
});

test('depth and items have limits', (t) => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const three = { ...limits, depth: 3 };
  t.deepEqual(parseJson(nested(3), three), [[[]]]);
  const passed = (text: string, limits: JsonLimits): unknown =>
    t.throws(() => parseJson(text, limits), { instanceOf: JsonError })?.limit;
  t.is(passed(nested(4), three), 'depth');
  t.is(passed('[{"a":'.repeat(50_000), limits), 'depth');
  t.is(passed('[1,2,3,4,5,6,7,8,9]', { ...limits, items: 15 }), 'items');
  t.is(passed('[{},[]]', { ...limits, items: 20 }), 'items');
  t.deepEqual(parseJson('[{},[]]', { ...limits, items: 21 }), [new Map(), []]);
});

test('a string and a number may be as long as the text', (t) => {
  for (const text of [JSON.stringify('\\"x'.repeat(10_000_000)), `0.${'1'.repeat(30_000_000)}`])
    t.is(parseJson(text, limits), JSON.parse(text));
  t.throws(() => parseJson(`"${'\\'.repeat(1_000_000)}`, limits), { instanceOf: JsonError });
});
