import { RuntimeError } from '../../errors.ts';
import type { Definition } from '../../optim/definition.ts';
import { variantOf, type Kernel } from './kernels.ts';

/** The fused engine of one optimizer: its update is a compiled kernel for each variant, and a group steps in one dispatch. */
export class FusedEngine {
  readonly #definition: Definition<object>;
  readonly #kernels: ReadonlyMap<string, Kernel>;

  constructor(definition: Definition<object>, kernels: ReadonlyMap<string, Kernel>) {
    this.#definition = definition;
    this.#kernels = kernels;
  }

  /** The kernel for an update's flags, and the state that it does not find. */
  kernelFor(flags: Readonly<Record<string, boolean>>, missing: ReadonlySet<string>): Kernel {
    const kernel = this.#kernels.get(variantOf(flags, missing));
    if (kernel === undefined) {
      throw new RuntimeError(
        'NO_KERNEL',
        `${this.#definition.name} has no kernel for ${variantOf(flags, missing)}`,
      );
    }
    return kernel;
  }
}
