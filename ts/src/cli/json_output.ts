/**
 * A JSON document for stdout. What a terminal would obey is escaped, which JSON.stringify does for ASCII alone; a number
 * that JSON has not becomes text.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, textOfNumbers, 2).replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}

function textOfNumbers(_key: string, value: unknown): unknown {
  const isJson = typeof value !== 'bigint' && (typeof value !== 'number' || Number.isFinite(value));
  return isJson ? value : String(value);
}
