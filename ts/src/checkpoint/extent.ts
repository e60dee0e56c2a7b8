/** How much a part of a tree is, everything that it shares with others counted as often as it occurs. */
export interface Extent {
  /** Characters that its JSON has at the least. */
  size: number;
  /** Containers that are inside each other. */
  height: number;
}

/** Adds what is in a container to its extent. */
export function extend(extent: Extent, part: Extent): void {
  extent.size += part.size + 1; // a comma
  extent.height = Math.max(extent.height, part.height);
}

/** The extent of a value that has no others in it. */
export function extentOfLeaf(value: unknown): Extent {
  const size = typeof value === 'string' ? value.length : value instanceof Uint8Array ? 2 * value.length : 1;
  return { size, height: 0 };
}
