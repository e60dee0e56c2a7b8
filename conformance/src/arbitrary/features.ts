import { parameterDTypes, type Program } from '../program.ts';

/** What a generated program may use: what the oracle's torch has, and the subject too. */
export interface Features {
  /** Names of classes in torch.optim; the generators know Adadelta and SGD. */
  optimizers: readonly string[];
  dtypes: readonly Program['dtype'][];
  /** `(name, parameter)` pairs, and `param_names` in the groups. */
  named: boolean;
  /** Adadelta's option `capturable`, and with it a `step` that is always a tensor. */
  capturable: boolean;
  /** The constructor takes a set, and warns. */
  setWarning: boolean;
  /** Gradients and state of another dtype are refused in the words of torch 2.15. */
  dtypeErrors: boolean;
}

/**
 * The features of a version of torch. What is known of 2.15 alone is left out for anything older.
 *
 * torch 2.1's SGD keeps state that later versions do not (a `momentum_buffer` of None), so there Adadelta stands alone.
 *
 * @param torchVersion - as torch says it: `2.15.0+cpu`
 */
export function featuresOf(torchVersion: string): Features {
  const match = /^(\d+)\.(\d+)/.exec(torchVersion);
  if (!match)
    throw new TypeError(`a version of torch looks like 2.15.0, but got ${JSON.stringify(torchVersion)}`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const since = (wanted: number) => major > 2 || (major === 2 && minor >= wanted);
  return {
    optimizers: since(4) ? ['Adadelta', 'SGD'] : ['Adadelta'],
    // Adadelta's addcmul of float16 had three roundings in torch 2.1, where later versions have one.
    dtypes: parameterDTypes.filter((dtype) => dtype !== 'float16' || since(15)),
    named: since(15),
    capturable: since(4),
    setWarning: since(15),
    dtypeErrors: since(15),
  };
}
