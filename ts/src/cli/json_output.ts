import { constants } from 'node:buffer';
import { UnsupportedError } from '../checkpoint/index.ts';

/**
 * A JSON document for stdout. What a terminal would obey is escaped, which JSON.stringify does for ASCII alone; a number
 * that JSON has not becomes text.
 *
 * @throws UnsupportedError for a document that is longer than a string can be, which is 512 MiB
 */
export function jsonText(value: unknown): string {
  // Indentation multiplies the length of what is deep.
  for (const indent of [2, 0]) {
    try {
      return escapeBeyondAscii(JSON.stringify(value, replacer(), indent));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new UnsupportedError(
    'UNSUPPORTED_VALUE',
    'as JSON it would be longer than a string can be (512 MiB): leave out --json',
  );
}

function escapeBeyondAscii(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}

/** Makes text of numbers that JSON has not, and stops where texts get too long: JSON.stringify goes on to the end. */
function replacer(): (key: string, value: unknown) => unknown {
  let left = constants.MAX_STRING_LENGTH;
  return (_key, value) => {
    if (typeof value === 'string' && (left -= value.length) < 0) throw new RangeError('too long');
    const isJson = typeof value !== 'bigint' && (typeof value !== 'number' || Number.isFinite(value));
    return isJson ? value : String(value);
  };
}
