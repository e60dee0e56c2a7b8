/**
 * The content of `.data/serialization_id`: what torch's Linux builds make of the records' names and checksums, as two
 * numbers of 20 digits. Readers compare it at most with another one.
 *
 * @param names - of the records before it, without the folder, in order
 * @param crcs - the CRC-32s of those that are not empty
 */
export function serializationId(names: readonly string[], crcs: readonly number[]): string {
  const encoder = new TextEncoder();
  const hashes = inHashTable(names.map((name) => murmur(encoder.encode(name))));
  return [hashes, crcs.map(BigInt)]
    .map((values) => values.reduce(combine, 0n).toString().padStart(20, '0'))
    .join('');
}

const uint64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** c10::hash_combine */
function combine(seed: bigint, value: bigint): bigint {
  return seed ^ uint64(value + 0x9e3779b9n + (seed << 6n) + (seed >> 2n));
}

/** std::hash of libstdc++: MurmurHash64A. */
function murmur(bytes: Uint8Array): bigint {
  const factor = 0xc6a4a7935bd1e995n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0xc70f6907n ^ uint64(BigInt(bytes.length) * factor);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const block = uint64(view.getBigUint64(at, true) * factor);
    hash = uint64((hash ^ uint64((block ^ (block >> 47n)) * factor)) * factor);
  }
  if (at < bytes.length) {
    let rest = 0n;
    for (let i = bytes.length - 1; i >= at; i--) rest = (rest << 8n) | BigInt(bytes[i] as number);
    hash = uint64((hash ^ rest) * factor);
  }
  hash = uint64((hash ^ (hash >> 47n)) * factor);
  return hash ^ (hash >> 47n);
}

/** Bucket counts that a growing std::unordered_set of libstdc++ takes one after the other. */
const bucketCounts = [
  13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697, 1447153,
  2938679,
];

/**
 * Distinct hashes in the order in which an unordered_set that they went into one after the other gives them, which is the order
 * that torch combines them in: the bucket that was used last comes first, and so does the last hash of a bucket.
 */
function inHashTable(hashes: readonly bigint[]): bigint[] {
  let order: bigint[] = [];
  let taken = 0;
  for (const count of bucketCounts) {
    const fitting = hashes.slice(taken, count === bucketCounts.at(-1) ? undefined : count);
    taken += fitting.length;
    // A set that grows puts what it has into the new buckets, in its own order.
    const buckets = new Map<bigint, bigint[]>();
    for (const hash of [...order, ...fitting]) {
      const bucket = buckets.get(hash % BigInt(count));
      if (bucket === undefined) buckets.set(hash % BigInt(count), [hash]);
      else bucket.push(hash);
    }
    order = [...buckets.values()].flat().reverse();
    if (taken === hashes.length) break;
  }
  return order;
}
