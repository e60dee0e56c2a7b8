import { largeItems, type Limits } from '../limits.ts';

/** What a header can hold. Objects are Maps, so that no name means anything to JavaScript. */
export type Json = null | boolean | string | number | Json[] | Map<string, Json>;

/** Why a text is refused: `limit` is what it passes, else it is no JSON, or has a name twice in an object. */
export class JsonError extends Error {
  readonly offset: number;
  readonly limit: keyof JsonLimits | undefined;
  constructor(message: string, offset: number, limit?: keyof JsonLimits) {
    super(message);
    this.offset = offset;
    this.limit = limit;
  }
}

/** `depth` is of arrays and objects inside each other. */
export type JsonLimits = Pick<Limits, 'depth' | 'items'>;

/**
 * JSON as JSON.parse takes it, but that a name that comes twice in an object is refused: readers would differ over which of
 * the two holds.
 *
 * @throws JsonError
 */
export function parseJson(text: string, limits: JsonLimits): Json {
  let at = 0;
  let depth = 0;
  let items = 0;

  const fail = (message: string): JsonError => new JsonError(message, at);
  const skipSpace = (): void => {
    while (' \t\n\r'.includes(text[at] ?? '?')) at++;
  };
  /** Takes a character if it comes next, after space. */
  const take = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const expect = (character: string): void => {
    if (!take(character)) throw fail(`'${character}' is missing`);
  };

  const count = (more: number): void => {
    items += more;
    if (items > limits.items)
      throw new JsonError('it has more items than the limit, limits.items, allows', at, 'items');
  };

  const word = /true|false|null|-?\d[\d.eE+-]*/y;
  const readScalar = (): null | boolean | string | number => {
    count(1);
    word.lastIndex = at;
    const token = text[at] === '"' ? text.slice(at, endOfString(text, at)) : word.exec(text)?.[0];
    if (token === undefined) throw fail('a value is missing');
    try {
      const value = JSON.parse(token) as null | boolean | string | number;
      at += token.length;
      return value;
    } catch {
      throw fail('this is no value');
    }
  };
  const readArray = (): Json[] => {
    const array: Json[] = [];
    if (take(']')) return array;
    do array.push(readValue());
    while (take(','));
    expect(']');
    return array;
  };
  const readObject = (): Map<string, Json> => {
    const object = new Map<string, Json>();
    if (take('}')) return object;
    do {
      skipSpace();
      const start = at;
      const name = readScalar();
      if (typeof name !== 'string') throw new JsonError('a name is missing', start);
      if (object.has(name)) throw new JsonError(`the name ${JSON.stringify(name)} comes twice`, start);
      expect(':');
      object.set(name, readValue());
    } while (take(','));
    expect('}');
    return object;
  };
  const readValue = (): Json => {
    skipSpace();
    const opening = text[at];
    if (opening !== '[' && opening !== '{') return readScalar();
    count(1 + largeItems);
    if (++depth > limits.depth)
      throw new JsonError(`arrays and objects are more than ${limits.depth} deep`, at, 'depth');
    at++;
    const value = opening === '[' ? readArray() : readObject();
    depth--;
    return value;
  };

  const value = readValue();
  skipSpace();
  if (at < text.length) throw fail('there is more after the end');
  return value;
}

/** Behind the closing quote of the string that opens at `start`; beyond the text if it has none. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
