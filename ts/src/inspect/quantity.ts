/** A number of bytes for a reader: `1.2 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power - 1]}`;
}

/** `1 tensor`, `20,000 tensors`. */
export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** The smallest and the largest of some numbers, as a range where they differ. */
export function rangeText(numbers: readonly number[], text: (value: number) => string = String): string {
  let [least, most] = [Infinity, -Infinity];
  for (const value of numbers) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return least === most ? text(least) : `${text(least)} to ${text(most)}`;
}
