import { TorchTypeError } from '../errors.ts';

/** @throws TypeError UNKNOWN_OPTION for an option that does not exist, which would be ignored without a word */
export function checkOptions(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TorchTypeError(
    'UNKNOWN_OPTION',
    `${what} has no option ${JSON.stringify(unknown)}: it has ${known.join(', ')}`,
  );
}
