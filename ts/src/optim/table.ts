import { registerDefinitions } from '../engine/fused/library.ts';
import { Adadelta, adadelta } from './adadelta.ts';
import type { Definition } from './definition.ts';
import { SGD, sgd } from './sgd.ts';

/** Every optimizer, by torch's name. */
export const optimizers: { readonly Adadelta: typeof Adadelta; readonly SGD: typeof SGD } = { Adadelta, SGD };

registerDefinitions(adadelta as unknown as Definition<object>, sgd as unknown as Definition<object>);
