import type { TensorData } from 'torch-parity';
import {
  type Action,
  type Argument,
  type Command,
  dictHooks,
  type Edit,
  type Group,
  type Item,
  type Options,
  parameterDTypes,
  type Program,
  savedFormats,
  stepHooks,
} from './program.ts';
import {
  boolean,
  fields,
  index,
  list,
  nullable,
  oneOf,
  pair,
  type Reader,
  SchemaError,
  single,
  tagged,
  text,
} from './schema.ts';
import type { Value } from './value.ts';

/**
 * Reads a program in the form that PROTOCOL.md gives it, and checks that its indices are of something. Whether torch
 * can run it (a state dict is loaded that was never stored) shows when it runs.
 *
 * @param tensors - reads the `tensors`
 */
export function programReader(tensors: Reader<TensorData[]>): Reader<Program> {
  const anything: Reader<unknown> = (input) => input;
  const outline = fields({
    version: oneOf(1),
    optimizer: text,
    dtype: oneOf(...parameterDTypes),
    tensors,
    params: list(anything),
    argument: anything,
    options: anything,
    commands: anything,
  });
  return (input, path) => {
    const program = outline(input, path);
    const tensor = index({ what: 'tensors', count: program.tensors.length });
    const form = new Form(tensor, index({ what: 'params', count: program.params.length }));
    const params = list(fields({ tensor }))(program.params, 'params');
    for (const [number, param] of params.entries()) {
      const { dtype } = program.tensors[param.tensor]!;
      if (dtype !== program.dtype) {
        throw new SchemaError(`params[${number}]`, `is ${dtype} in a program of ${program.dtype}`);
      }
    }
    return {
      ...program,
      params,
      argument: form.argument(program.argument, 'argument'),
      options: form.options(program.options, 'options'),
      commands: list(form.command)(program.commands, 'commands'),
    };
  };
}

/** The forms of the parts of one program, whose indices end with its tensors and parameters. */
class Form {
  readonly value: Reader<Value>;
  readonly options: Reader<Options>;
  readonly argument: Reader<Argument>;
  readonly command: Reader<Command>;

  constructor(tensor: Reader<number>, param: Reader<number>) {
    // Forms that contain themselves are functions, so that they may be named before they are made.
    const value: Reader<Value> = (input, path) => {
      if (input === null || typeof input === 'boolean' || typeof input === 'string') return input;
      if (typeof input === 'number') return int(input, path);
      return Array.isArray(input) ? values(input, path) : tags(input, path);
    };
    const values = list(value);
    const tags = single({
      float: matching(
        /^(-?(\d+(\.\d+)?(e[+-]?\d+)?|Infinity)|NaN)$/,
        'a float, such as "0.1" or "-Infinity"',
      ),
      int: matching(/^-?\d+$/, 'the digits of an int'),
      tuple: values,
      dict: list(pair(value, value)),
      tensor,
    });
    const options = list(pair(text, value));

    const argument: Reader<Argument> = (input, path) => arguments_(input, path);
    const group: Reader<Group> = fields({ options }, { params: argument });
    const item: Reader<Item> = single({ param, named: pair(text, param), group, value });
    const arguments_ = single({ list: list(item), set: list(item), param, value });

    const setOption = fields({ group: index(), key: text, value });
    const ids = list(value);
    const edits: Reader<Edit[]> = list(
      tagged('edit', {
        setOption,
        removeOption: fields({ group: index(), key: text }),
        setIds: fields({ group: index(), ids }),
        renameState: fields({ from: value, to: value }),
        removeState: fields({ id: value }),
        setState: fields({ id: value, key: text, value }),
        removeStateKey: fields({ id: value, key: text }),
        addGroup: fields({ options, ids }),
        removeGroup: fields({ group: index() }),
        reorderState: fields({ ids }),
        removeKey: fields({ key: oneOf('state', 'param_groups') }),
        setKey: fields({ key: text, value }),
      }),
    );
    const action: Reader<Action> = tagged('do', {
      log: fields({}),
      setOption,
      edit: fields({ edits }),
      replace: fields({ edits }),
      replaceClosure: fields({ loss: value }),
      badReturn: fields({}),
    });
    const closure = fields({ loss: value, grads: list(pair(param, nullable(tensor))) });

    this.value = value;
    this.options = options;
    this.argument = argument;
    this.command = tagged('op', {
      grad: fields({ param, tensor: nullable(tensor) }),
      sparseGrad: fields({ param }),
      step: fields({}, { closure }),
      zeroGrad: fields({ setToNone: boolean }),
      addParamGroup: single({ group, value }),
      setOption,
      repr: fields({}),
      stateDict: fields({ as: text }),
      load: fields({ from: text, edits }),
      register: fields({ hook: oneOf(...stepHooks, ...dictHooks), as: text, prepend: boolean, action }),
      remove: fields({ hook: text }),
      save: fields(
        { format: oneOf(...savedFormats), params: oneOf('list', 'dict') },
        { target: oneOf('2.1', '2.15') },
      ),
      resume: fields({ tensor, mmap: boolean }),
    });
  }
}

function int(input: number, path: string): number {
  if (!Number.isInteger(input)) {
    throw new SchemaError(path, `a plain number is an int; write {"float": "${input}"} for a float`);
  }
  if (!Number.isSafeInteger(input)) {
    throw new SchemaError(path, 'a plain number holds ints up to 2^53; write {"int": "…"} for a larger one');
  }
  return input;
}

function matching(pattern: RegExp, what: string): Reader<string> {
  return (input, path) => {
    const found = text(input, path);
    if (!pattern.test(found))
      throw new SchemaError(path, `must be ${what}, but got ${JSON.stringify(found)}`);
    return found;
  };
}
