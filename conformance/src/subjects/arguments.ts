import { PythonNumber, type Definition, type Parameter, type TensorData, Tuple } from 'torch-parity';
import type { Argument, Group, Item, Options } from '../program.ts';
import type { Value } from '../value.ts';
import { toJs } from './python_values.ts';

/** Turns what a program says is passed into what torch-parity is passed. */
export class Arguments {
  readonly #params: readonly Parameter[];
  readonly #tensors: readonly TensorData[];
  /** Our names of documented options, by torch's. */
  readonly #ourNames: ReadonlyMap<string, string>;

  constructor(
    params: readonly Parameter[],
    tensors: readonly TensorData[],
    definition: Definition<object> | undefined,
  ) {
    this.#params = params;
    this.#tensors = tensors;
    const options = Object.entries((definition?.options ?? {}) as Record<string, { key: string }>);
    this.#ourNames = new Map(options.map(([name, { key }]) => [key, name]));
  }

  value(value: Value): unknown {
    return toJs(value, this.#tensors);
  }

  /** Options by our names. A documented number is given plain, as a user would; others say their Python type. */
  options(options: Options): Record<string, unknown> {
    return Object.fromEntries(
      options.map(([key, value]) => {
        const ours = this.#ourNames.get(key);
        const js = this.value(value);
        return [ours ?? (key === 'param_names' ? 'paramNames' : key), ours === undefined ? js : plain(js)];
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

/** A float as the number that it is, and a tuple of floats as an array of them. */
function plain(js: unknown): unknown {
  if (js instanceof Tuple && js.every(isFloat)) return js.map(plain);
  return isFloat(js) ? js.value : js;
}

function isFloat(js: unknown): js is PythonNumber {
  return js instanceof PythonNumber && js.type === 'float';
}
