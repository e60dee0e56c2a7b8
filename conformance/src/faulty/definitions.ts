import { Adadelta, SGD } from 'torch-parity';

/** What torch-parity's optimizers are made of, which a fault changes. */
export const adadelta: typeof Adadelta.definition = Adadelta.definition;
export const sgd: typeof SGD.definition = SGD.definition;
