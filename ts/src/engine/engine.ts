import type { Definition } from '../optim/definition.ts';
import { ValueError } from '../errors.ts';
import { repr } from '../python/repr.ts';
import { FusedEngine } from './fused/engine.ts';
import { loadKernels } from './fused/library.ts';
import { Unavailable } from './fused/unavailable.ts';

/** Where the arithmetic runs; never part of a state dict. */
export interface EngineOption {
  /**
   * `reference` interprets the update with tfjs's operations. `fused` runs it as one compiled kernel, on TensorFlow.
   * `auto` takes the fused engine where it is available. All give the same bits, but for `reference` on a GPU, where
   * TensorFlow's own kernels flush subnormal numbers. @defaultValue 'auto'
   */
  engine?: 'reference' | 'fused' | 'auto';
}

/** An engine: without `fused`, the reference engine, which needs nothing. */
export interface ChosenEngine {
  fused?: FusedEngine;
  /** Why it is not the fused one, and what to do about it, where nobody asked for the other. */
  fallback?: string;
}

/**
 * The engine for an optimizer.
 *
 * @throws RuntimeError that says why, and the cure, if it must be the fused engine and that is not available
 */
export function chooseEngine(
  definition: Definition<object>,
  engine: EngineOption['engine'] = 'auto',
): ChosenEngine {
  if (engine !== 'auto' && engine !== 'reference' && engine !== 'fused') {
    throw new ValueError(
      'UNKNOWN_ENGINE',
      `engine must be 'auto', 'reference' or 'fused', but got ${repr(engine)}`,
    );
  }
  if (engine === 'reference') return {};
  try {
    return { fused: new FusedEngine(definition, loadKernels(definition)) };
  } catch (error) {
    if (engine === 'fused' || !(error instanceof Unavailable)) throw error;
    return { fallback: error.message };
  }
}
