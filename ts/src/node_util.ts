/**
 * tfjs-node-gpu 4.22.0 calls `util.isNullOrUndefined` and `util.isArray`, which Node 23 removed. Importing this module
 * before tfjs-node-gpu puts them back where they are missing; elsewhere, and outside Node, it does nothing.
 */
type LegacyUtil = Record<'isNullOrUndefined' | 'isArray', ((value: unknown) => boolean) | undefined>;

// getBuiltinModule, because an import of node:util would keep this module from loading outside Node.
const util = globalThis.process?.getBuiltinModule?.('node:util') as unknown as LegacyUtil | undefined;
if (util !== undefined) {
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
