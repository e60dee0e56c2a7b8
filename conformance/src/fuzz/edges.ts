/** Integers at which sizes, signs and doubles go wrong. */
export const edgeIntegers: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, -1n, 8n, 64n, 127n, 128n, 255n, 256n, 1000n],
  ...[15n, 16n, 31n, 32n, 52n, 53n, 62n, 63n, 64n].flatMap((bits) => [
    2n ** bits - 1n,
    2n ** bits,
    2n ** bits + 1n,
  ]),
];
