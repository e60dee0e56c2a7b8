/** What is wrong with a file, and where in it. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly path: string;
  constructor(path: string, problem: string) {
    super(`${path || 'case'}: ${problem}`);
    this.path = path;
  }
}

/**
 * Makes a typed value of parsed JSON.
 *
 * @param path - where the input stands in the file: `commands[3].grads`
 * @throws SchemaError if the input has another form
 */
export type Reader<T> = (input: unknown, path: string) => T;

type Readers = Record<string, Reader<unknown>>;
type Read<R> = { [K in keyof R]: R[K] extends Reader<infer T> ? T : never };

export const text: Reader<string> = (input, path) => {
  if (typeof input !== 'string') throw new SchemaError(path, `must be a text, but got ${shown(input)}`);
  return input;
};

export const boolean: Reader<boolean> = (input, path) => {
  if (typeof input !== 'boolean')
    throw new SchemaError(path, `must be true or false, but got ${shown(input)}`);
  return input;
};

/** One of these texts or numbers. */
export function oneOf<const T extends string | number>(...choices: readonly T[]): Reader<T> {
  return (input, path) => {
    const found = choices.find((choice) => choice === input);
    if (found === undefined) {
      throw new SchemaError(path, `must be ${choices.map(shown).join(' or ')}, but got ${shown(input)}`);
    }
    return found;
  };
}

/** A whole number from 0; `of` says what it counts and how many there are, if that is known. */
export function index(of?: { what: string; count: number }): Reader<number> {
  return (input, path) => {
    if (!Number.isSafeInteger(input) || (input as number) < 0) {
      throw new SchemaError(path, `must be a whole number from 0, but got ${shown(input)}`);
    }
    if (of && (input as number) >= of.count) {
      throw new SchemaError(path, `is ${shown(input)}, but there are only ${of.count} ${of.what}`);
    }
    return input as number;
  };
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (input, path) => (input === null ? null : reader(input, path));
}

export function list<T>(reader: Reader<T>): Reader<T[]> {
  return (input, path) => {
    if (!Array.isArray(input)) throw new SchemaError(path, `must be a list, but got ${shown(input)}`);
    return input.map((item, position) => reader(item, `${path}[${position}]`));
  };
}

export function pair<A, B>(first: Reader<A>, second: Reader<B>): Reader<[A, B]> {
  return (input, path) => {
    if (!Array.isArray(input) || input.length !== 2) {
      throw new SchemaError(path, `must be a list of two, but got ${shown(input)}`);
    }
    return [first(input[0], `${path}[0]`), second(input[1], `${path}[1]`)];
  };
}

/** An object with all of the required keys, any of the optional ones, and no others. */
export function fields<R extends Readers, O extends Readers = Record<never, never>>(
  required: R,
  optional?: O,
): Reader<Read<R> & Partial<Read<O>>> {
  const known: Readers = { ...required, ...optional };
  return (input, path) => {
    const given = object(input, path);
    for (const key of Object.keys(given)) {
      if (!Object.hasOwn(known, key)) {
        const allowed = Object.keys(known).join(', ') || 'none';
        throw new SchemaError(path, `has the unknown key ${shown(key)}; known here: ${allowed}`);
      }
    }
    for (const key of Object.keys(required)) {
      if (!Object.hasOwn(given, key)) throw new SchemaError(path, `lacks the key ${shown(key)}`);
    }
    const read = Object.entries(given).map(([key, item]) => [
      key,
      known[key]!(item, path === '' ? key : `${path}.${key}`),
    ]);
    return Object.fromEntries(read) as Read<R> & Partial<Read<O>>;
  };
}

/** An object whose one key says what it is: `{"param": 0}`. */
export function single<R extends Readers>(readers: R): Reader<{ [K in keyof R]: Pick<Read<R>, K> }[keyof R]> {
  return (input, path) => {
    const [key, ...others] = Object.keys(object(input, path));
    if (key === undefined || others.length > 0 || !Object.hasOwn(readers, key)) {
      const tags = Object.keys(readers).map(shown).join(', ');
      throw new SchemaError(path, `must be an object with one key of ${tags}, but got ${shown(input)}`);
    }
    return fields({ [key]: readers[key]! })(input, path) as Read<R>;
  };
}

/** An object that says under `tag` which of these it is. */
export function tagged<const Tag extends string, R extends Readers>(
  tag: Tag,
  readers: R,
): Reader<{ [K in keyof R]: { [T in Tag]: K } & Read<R>[K] }[keyof R]> {
  return (input, path) => {
    const { [tag]: name, ...rest } = object(input, path);
    const known = oneOf(...Object.keys(readers))(name, `${path}.${tag}`);
    return { [tag]: known, ...(readers[known]!(rest, path) as object) } as Read<R>[keyof R] & {
      [T in Tag]: keyof R;
    };
  };
}

function object(input: unknown, path: string): Record<string, unknown> {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new SchemaError(path, `must be an object, but got ${shown(input)}`);
  }
  return input as Record<string, unknown>;
}

function shown(input: unknown): string {
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
