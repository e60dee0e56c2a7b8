import type { Definition } from '../optim/definition.ts';
import { ValueError } from '../errors.ts';
import { repr } from '../python/repr.ts';
import { FusedEngine } from './fused/engine.ts';
import { loadKernels, Unavailable } from './fused/library.ts';

/** Where the arithmetic runs; never part of a state dict. */
export interface EngineOption {
  /**
   * `reference` interprets the update with tfjs's operations. `fused` runs it as one compiled kernel, on TensorFlow on
   * a CPU. `auto` takes the fused engine where it is available. All give the same bits. @defaultValue 'auto'
   */
  engine?: 'reference' | 'fused' | 'auto';
}

/**
 * The engine for an optimizer; undefined is the reference engine, which needs nothing.
 *
 * @throws RuntimeError that says why, if it must be the fused engine and that is not available
 */
export function chooseEngine(
  definition: Definition<object>,
  engine: EngineOption['engine'] = 'auto',
): FusedEngine | undefined {
  if (engine !== 'auto' && engine !== 'reference' && engine !== 'fused') {
    throw new ValueError(
      'UNKNOWN_ENGINE',
      `engine must be 'auto', 'reference' or 'fused', but got ${repr(engine)}`,
    );
  }
  if (engine === 'reference') return undefined;
  try {
    return new FusedEngine(definition, loadKernels(definition));
  } catch (error) {
    if (engine === 'auto' && error instanceof Unavailable) return undefined;
    throw error;
  }
}
