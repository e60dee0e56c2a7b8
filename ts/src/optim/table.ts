import { registerDefinitions } from '../engine/fused/library.ts';
import { Adadelta } from './adadelta.ts';
import type { Definition } from './definition.ts';
import { SGD } from './sgd.ts';

/** Every optimizer, by torch's name. */
export const optimizers: { readonly Adadelta: typeof Adadelta; readonly SGD: typeof SGD } = { Adadelta, SGD };

registerDefinitions(...Object.values(optimizers).map(({ definition }): Definition<object> => definition));
