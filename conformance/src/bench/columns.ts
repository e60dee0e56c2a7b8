/**
 * Lines of cells as text in columns, each as wide as its widest cell.
 *
 * @param isText - whether a column is text, to the left, or numbers, to the right
 */
export function columns(lines: readonly (readonly string[])[], isText: (column: number) => boolean): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number): string =>
    isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
