import type { TensorData } from 'torch-parity';
import type { Argument, Command, Group, Item, Options, Program } from '../program.ts';
import type { Value } from '../value.ts';
import type { Features } from './features.ts';
import type { OptimizerSpec } from './optimizers.ts';
import { filled, type FilledDType } from './tensors.ts';
import type { Temper } from './values.ts';

/** What all arbitraries of one program have in common. */
export interface Setting {
  features: Features;
  optimizer: OptimizerSpec;
  dtype: Program['dtype'];
  temper: Temper;
}

/**
 * One or few commands whose numbers are still open: which group, which parameter, which state dict is settled when it
 * is written into a draft, modulo what there is. So every part of a program shrinks by itself, and what a smaller
 * program has no room for (a third group where one is left) becomes something near to it, or nothing.
 */
export type Phrase = (draft: Draft) => void;

/** A state dict as the optimizer would give it. */
export interface SavedDict {
  /** The ids of each group, and the parameters that they stand for. */
  groups: { ids: Value[]; params: number[] }[];
  /** The ids that have an entry of `state`. */
  state: Value[];
}

export interface Style {
  /** What the constructor is given besides parameters. */
  options: Options;
  /** Whether parameters come with their names. */
  named: boolean;
  /** Whether `foreach` is off throughout, see {@link Draft.option}. */
  loop: boolean;
}

const names = ['weight', 'bias', "it's", 'layers.0.weight', 'ß', ''];

/** The element at an index of any size. */
export function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % list.length];
}

/** A program in the making, and what its later commands need to know of the optimizer as it will then be. */
export class Draft {
  readonly setting: Setting;
  readonly options: Options;
  readonly named: boolean;
  readonly loop: boolean;
  readonly tensors: TensorData[] = [];
  readonly commands: Command[] = [];
  readonly groups: { params: number[]; options: Map<string, Value> }[] = [];
  readonly dicts: (SavedDict & { name: string })[] = [];
  readonly hooks: string[] = [];
  /** How many parameters there are; parameter k starts as tensor k. */
  readonly params: number;
  /** The parameters that have a gradient. */
  graded: Set<number> = new Set();
  /** The hooks that put another closure, without gradients, in the place of a step's. */
  readonly replacing: Set<string> = new Set();
  /** The parameters that have state. */
  stepped: Set<number> = new Set();
  #named = 0;

  constructor(setting: Setting, params: { shape: number[]; values: number[] }[], style: Style) {
    this.setting = setting;
    this.named = style.named;
    this.loop = style.loop && this.#hasForeach;
    for (const { shape, values } of params) this.tensor(shape, values);
    this.params = params.length;
    const off: Options = this.loop ? [['foreach', false]] : [];
    this.options = [...new Map([...style.options, ...off])].map((option) => this.option(option));
  }

  get #hasForeach(): boolean {
    return 'foreach' in this.setting.optimizer.options;
  }

  /** Adds a tensor filled from these values, and gives its index. */
  tensor(
    shape: readonly number[],
    values: readonly number[],
    dtype: FilledDType = this.setting.dtype,
  ): number {
    return this.tensors.push(filled(dtype, shape, values)) - 1;
  }

  /** Adds a tensor shaped like a parameter. */
  like(param: number, values: readonly number[], dtype?: FilledDType): number {
    return this.tensor(this.tensors[param]!.shape, values, dtype);
  }

  /** A name that the program has not used yet. */
  name(prefix: string): string {
    return `${prefix}${this.#named++}`;
  }

  /**
   * The option as this program may have it. torch's foreach gives other results than its loop for a parameter that is
   * in a group twice, and with SGD's nesterov, where it adds the momentum to the gradients themselves: both need `loop`.
   */
  option([key, value]: Options[number]): Options[number] {
    if (key === 'foreach' && this.loop) return [key, false];
    if (key === 'nesterov' && this.#hasForeach && !this.loop) return [key, false];
    return [key, value];
  }

  /** A new group, which the optimizer has from here on. */
  group(params: number[], options: Options, bare = false): Group {
    const own = options.map((option) => this.option(option));
    this.groups.push({ params, options: new Map([...this.options, ...own]) });
    return { params: this.argument(params, bare), options: own };
  }

  /** Parameters as a list; `bare`: as the tensor itself, if it is one. */
  argument(params: number[], bare = false): Argument {
    if (bare && params.length === 1 && !this.named) return { param: params[0]! };
    const item = (param: number): Item => (this.named ? { named: [pick(names, param)!, param] } : { param });
    return { list: params.map(item) };
  }

  /** The parameters of all groups, in order. */
  get owned(): number[] {
    return this.groups.flatMap(({ params }) => params);
  }

  /** The parameters of no group. */
  get spare(): number[] {
    const owned = new Set(this.owned);
    return Array.from({ length: this.params }, (_, param) => param).filter((param) => !owned.has(param));
  }

  /** Sets or clears a gradient; the command itself is the caller's. */
  setGrad(param: number, tensor: number | null): [param: number, tensor: number | null] {
    if (tensor === null) this.graded.delete(param);
    else this.graded.add(param);
    return [param, tensor];
  }

  /** Writes a command that steps. */
  step(command: Extract<Command, { op: 'step' }> = { op: 'step' }): void {
    this.commands.push(command);
    for (const param of this.owned) if (this.graded.has(param)) this.stepped.add(param);
  }

  /** The state dict at this point: an id is a position, the last one for a parameter that is there twice. */
  stateDict(): SavedDict {
    const id = (param: number) => this.owned.lastIndexOf(param);
    return {
      groups: this.groups.map(({ params }) => ({ params: [...params], ids: params.map(id) })),
      state: this.owned.filter((param, index) => this.stepped.has(param) && id(param) === index).map(id),
    };
  }
}
