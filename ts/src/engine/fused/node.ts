/** A module of Node. Imports of them would keep the package from loading outside Node. */
export function node<T>(name: string): T {
  return process.getBuiltinModule(name) as T;
}
