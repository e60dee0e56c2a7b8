/** What a header can hold. Objects are Maps, so that no name means anything to JavaScript. */
export type Json = null | boolean | string | number | Json[] | Map<string, Json>;

/** Why a text is refused: `depth` where it is too deep, else it is no JSON, or has a name twice in an object. */
export class JsonError extends Error {
  readonly offset: number;
  readonly depth: boolean;
  constructor(message: string, offset: number, depth = false) {
    super(message);
    this.offset = offset;
    this.depth = depth;
  }
}

/**
 * JSON as JSON.parse takes it, but that a name that comes twice in an object is refused: readers would differ over which of
 * the two holds.
 *
 * @param maxDepth - of arrays and objects inside each other
 * @throws JsonError
 */
export function parseJson(text: string, maxDepth: number): Json {
  let at = 0;
  let depth = 0;

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

  const scalar = /"(?:[^"\\]|\\.)*"|true|false|null|-?\d[\d.eE+-]*/suy;
  const readScalar = (): null | boolean | string | number => {
    scalar.lastIndex = at;
    const [token] = scalar.exec(text) ?? [];
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
    if (++depth > maxDepth)
      throw new JsonError(`arrays and objects are more than ${maxDepth} deep`, at, true);
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
