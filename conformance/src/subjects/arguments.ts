import { PythonNumber, type Parameter, type TensorData } from 'torch-parity';
import type { Argument, Group, Item, Options } from '../program.ts';
import type { Value } from '../value.ts';
import { toJs } from './python_values.ts';

/** torch's names of documented options that torch-parity spells otherwise, or takes as plain numbers. */
const ourNames: ReadonlyMap<string, string> = new Map([
  ...['lr', 'rho', 'eps', 'momentum', 'dampening'].map((name): [string, string] => [name, name]),
  ['weight_decay', 'weightDecay'],
  ['param_names', 'paramNames'],
]);

/** Turns what a program says is passed into what torch-parity is passed. */
export class Arguments {
  readonly #params: readonly Parameter[];
  readonly #tensors: readonly TensorData[];

  constructor(params: readonly Parameter[], tensors: readonly TensorData[]) {
    this.#params = params;
    this.#tensors = tensors;
  }

  value(value: Value): unknown {
    return toJs(value, this.#tensors);
  }

  /** Options by our names. A documented number is given plain, as a user would; others say their Python type. */
  options(options: Options): Record<string, unknown> {
    return Object.fromEntries(
      options.map(([key, value]) => {
        const js = this.value(value);
        const ours = ourNames.get(key);
        const isPlain = ours !== undefined && js instanceof PythonNumber && js.type === 'float';
        return [ours ?? key, isPlain ? js.value : js];
      }),
    );
  }

  argument(argument: Argument): unknown {
    if ('list' in argument) return argument.list.map((item) => this.#item(item));
    if ('set' in argument) return new Set(argument.set.map((item) => this.#item(item)));
    if ('param' in argument) return this.param(argument.param);
    return this.value(argument.value);
  }

  group({ params, options }: Group): Record<string, unknown> {
    const group = this.options(options);
    if (params !== undefined) group.params = this.argument(params);
    return group;
  }

  param(index: number): Parameter {
    const parameter = this.#params[index];
    if (parameter === undefined) throw new RangeError(`the program has no parameter ${index}`);
    return parameter;
  }

  #item(item: Item): unknown {
    if ('param' in item) return this.param(item.param);
    if ('named' in item) return [item.named[0], this.param(item.named[1])];
    if ('group' in item) return this.group(item.group);
    return this.value(item.value);
  }
}
