import { Adadelta } from './adadelta.ts';
import { SGD } from './sgd.ts';

/** Every optimizer, by torch's name. */
export const optimizers: { readonly Adadelta: typeof Adadelta; readonly SGD: typeof SGD } = { Adadelta, SGD };
