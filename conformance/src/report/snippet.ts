import type { TensorData } from 'torch-parity';
import type { Action, Argument, Command, Edit, Group, HookKind, Item, Options, Program } from '../program.ts';
import { isFloating, numbersOf } from '../elements.ts';
import { floatText, pythonText } from '../python_text.ts';
import type { Value } from '../value.ts';

/**
 * The program as a Python script that needs torch alone. It runs torch as it is, whose square root may be an ulp off.
 *
 * @param commands - how many commands to run
 * @param path - what to print at the end: the path of a leaf
 * @param definedIn - the Python file that defines the optimizer, where torch.optim does not
 */
export function pythonSnippet(program: Program, commands: number, path: string, definedIn?: string): string {
  const { optimizer, options, params, argument } = program;
  const write = new Writer(program);
  const kind = definedIn
    ? `__import__("runpy").run_path(${JSON.stringify(definedIn)})["${optimizer}"]`
    : `torch.optim.${optimizer}`;
  const lines = [
    'import os; os.environ["ATEN_CPU_CAPABILITY"] = "default"  # arithmetic without FMA',
    'import copy, torch',
    'inf, nan = float("inf"), float("nan")',
    `p = [${params.map(({ tensor }) => `torch.nn.Parameter(${write.tensor(tensor)})`).join(', ')}]`,
    `optimizer = ${kind}(${[write.argument(argument), ...write.keywords(options)].join(', ')})`,
    ...program.commands.slice(0, commands).flatMap((command, index) => write.command(command, index)),
  ];
  const shown = expressionOf(path, program.commands[commands - 1]);
  return [...lines, ...(shown === undefined ? [] : [`print(${shown})`])].join('\n');
}

/** The Python expression for what a leaf holds; warnings, events and errors show by themselves. */
function expressionOf(path: string, command: Command | undefined): string | undefined {
  const param = /^params\[(\d+)\]/.exec(path);
  if (param) return `p[${param[1]}].tolist()`;
  const field = /^state\[(\d+)\]\.(\w+)/.exec(path);
  if (field) return `optimizer.state[p[${field[1]}]]["${field[2]}"]`;
  if (path.startsWith('state')) return 'dict(optimizer.state)';
  if (command?.op === 'repr') return 'optimizer';
  if (command?.op === 'stateDict') return `saved[${JSON.stringify(command.as)}]`;
  return command?.op === 'step' ? 'loss' : undefined;
}

class Writer {
  readonly #tensors: readonly TensorData[];
  readonly #params: Program['params'];

  constructor({ tensors, params }: Program) {
    this.#tensors = tensors;
    this.#params = params;
  }

  tensor(index: number): string {
    const tensor = this.#tensors[index]!;
    const { dtype, shape, size } = tensor;
    const numbers = numbersOf(tensor).map((number) =>
      typeof number === 'number' && isFloating(dtype) ? floatText(number) : String(number),
    );
    if (dtype === 'complex64') {
      // By its parts: in Python 1 - 0j has the imaginary part 0.
      const parts = `torch.tensor([${numbers.join(', ')}]).reshape(${[...shape, 2].join(', ')})`;
      return `torch.view_as_complex(${parts})`;
    }
    const form = shape.length === 1 && size > 0 ? '' : `.reshape(${shape.length ? shape.join(', ') : '()'})`;
    return `torch.tensor([${numbers.join(', ')}], dtype=torch.${dtype})${form}`;
  }

  value(value: Value): string {
    return pythonText(value, (index) => this.tensor(index));
  }

  keywords(options: Options): string[] {
    return options.map(([key, value]) =>
      /^[A-Za-z_]\w*$/.test(key)
        ? `${key}=${this.value(value)}`
        : `**{${JSON.stringify(key)}: ${this.value(value)}}`,
    );
  }

  argument(argument: Argument): string {
    if ('list' in argument) return `[${argument.list.map((item) => this.item(item)).join(', ')}]`;
    if ('set' in argument) return `set([${argument.set.map((item) => this.item(item)).join(', ')}])`;
    return 'param' in argument ? `p[${argument.param}]` : this.value(argument.value);
  }

  item(item: Item): string {
    if ('param' in item) return `p[${item.param}]`;
    if ('named' in item) return `(${JSON.stringify(item.named[0])}, p[${item.named[1]}])`;
    return 'group' in item ? this.group(item.group) : this.value(item.value);
  }

  group({ params, options }: Group): string {
    const pairs = options.map(([key, value]) => `${JSON.stringify(key)}: ${this.value(value)}`);
    return `{${[...(params ? [`"params": ${this.argument(params)}`] : []), ...pairs].join(', ')}}`;
  }

  command(command: Command, index: number): string[] {
    switch (command.op) {
      case 'grad':
        return [this.gradient(command.param, command.tensor)];
      case 'sparseGrad':
        return [this.sparseGradient(command.param)];
      case 'step': {
        if (!command.closure) return ['loss = optimizer.step()'];
        const { loss, grads } = command.closure;
        const body = [
          ...grads.map(([param, tensor]) => this.gradient(param, tensor)),
          `return ${this.value(loss)}`,
        ];
        return [`def closure():`, ...indented(body), 'loss = optimizer.step(closure)'];
      }
      case 'zeroGrad':
        return [`optimizer.zero_grad(set_to_none=${this.value(command.setToNone)})`];
      case 'addParamGroup':
        return [
          `optimizer.add_param_group(${'group' in command ? this.group(command.group) : this.value(command.value)})`,
        ];
      case 'setOption':
        return [this.setOption(command)];
      case 'repr':
        return ['print(optimizer)'];
      case 'stateDict': {
        const name = JSON.stringify(command.as);
        return [`saved = globals().get("saved", {}); saved[${name}] = copy.deepcopy(optimizer.state_dict())`];
      }
      case 'load':
        return [
          `d = copy.deepcopy(saved[${JSON.stringify(command.from)}])`,
          ...command.edits.map((edit) => this.edit(edit)),
          'optimizer.load_state_dict(d)',
        ];
      case 'register':
        return this.register(command, index);
      case 'remove':
        return [`handles[${JSON.stringify(command.hook)}].remove()`];
      case 'save':
        return [
          'torch.save({"params": [each.detach() for each in p], "optimizer": optimizer.state_dict()}, "checkpoint.pt")',
        ];
      case 'resume':
        return [
          `# checkpoint.pt: the bytes of tensor ${command.tensor} of the stored case`,
          'checkpoint = torch.load("checkpoint.pt", weights_only=True)',
          'for mine, saved in zip(p, checkpoint["params"]): mine.data.copy_(saved)',
          'optimizer.load_state_dict(checkpoint["optimizer"])',
        ];
    }
  }

  gradient(param: number, tensor: number | null): string {
    return `p[${param}].grad = ${tensor === null ? 'None' : this.tensor(tensor)}`;
  }

  sparseGradient(param: number): string {
    const { shape, size, dtype } = this.#tensors[this.#params[param]!.tensor]!;
    const entries = Math.min(1, size);
    const sizes = `torch.zeros((${shape.length}, ${entries}), dtype=torch.int64)`;
    const values = `torch.ones(${entries}, dtype=torch.${dtype})`;
    return `p[${param}].grad = torch.sparse_coo_tensor(${sizes}, ${values}, (${shape.map((n) => `${n},`).join(' ')}))`;
  }

  setOption({ group, key, value }: { group: number; key: string; value: Value }): string {
    return `optimizer.param_groups[${group}][${JSON.stringify(key)}] = ${this.value(value)}`;
  }

  edit(edit: Edit): string {
    const value = (item: Value): string => this.value(item);
    switch (edit.edit) {
      case 'setOption':
        return `d["param_groups"][${edit.group}][${value(edit.key)}] = ${value(edit.value)}`;
      case 'removeOption':
        return `d["param_groups"][${edit.group}].pop(${value(edit.key)}, None)`;
      case 'setIds':
        return `d["param_groups"][${edit.group}]["params"] = ${value(edit.ids)}`;
      case 'renameState':
        return renamed(value(edit.from), value(edit.to));
      case 'removeState':
        return `d["state"].pop(${value(edit.id)}, None)`;
      case 'setState':
        return `d["state"].setdefault(${value(edit.id)}, {})[${value(edit.key)}] = ${value(edit.value)}`;
      case 'removeStateKey':
        return `d["state"].get(${value(edit.id)}, {}).pop(${value(edit.key)}, None)`;
      case 'addGroup':
        return `d["param_groups"].append(${this.group({ params: { value: edit.ids }, options: edit.options })})`;
      case 'removeGroup':
        return `del d["param_groups"][${edit.group}]`;
      case 'reorderState':
        return `d["state"] = {**{k: d["state"][k] for k in ${value(edit.ids)} if k in d["state"]}, **d["state"]}`;
      case 'removeKey':
        return `d.pop(${value(edit.key)}, None)`;
      case 'setKey':
        return `d[${value(edit.key)}] = ${value(edit.value)}`;
    }
  }

  register({ hook, as, prepend, action }: Extract<Command, { op: 'register' }>, index: number): string[] {
    const name = `hook_${index}`;
    const { signature, call } = hookForms[hook];
    const order = prepend && !hook.toLowerCase().includes('step') ? ', prepend=True' : '';
    return [
      ...(hook.startsWith('global') ? [`from torch.optim.optimizer import ${call}`] : []),
      `def ${name}(${signature}):`,
      ...indented([`print(${JSON.stringify(`${hook}:${as}`)})`, ...this.action(action)]),
      `handles = globals().get("handles", {}); handles[${JSON.stringify(as)}] = ${call}(${name}${order})`,
    ];
  }

  action(action: Action): string[] {
    switch (action.do) {
      case 'log':
        return [];
      case 'setOption':
        return [this.setOption(action)];
      case 'edit':
        return action.edits.map((edit) => this.edit(edit));
      case 'replace':
        return ['d = copy.deepcopy(d)', ...action.edits.map((edit) => this.edit(edit)), 'return d'];
      case 'replaceClosure':
        return [`return (optimizer,), {"closure": lambda: ${this.value(action.loss)}}`];
      case 'badReturn':
        return ['return 3'];
    }
  }
}

const hookForms: Record<HookKind, { signature: string; call: string }> = {
  stepPre: { signature: 'optimizer, args, kwargs', call: 'optimizer.register_step_pre_hook' },
  stepPost: { signature: 'optimizer, args, kwargs', call: 'optimizer.register_step_post_hook' },
  globalStepPre: {
    signature: 'optimizer, args, kwargs',
    call: 'register_optimizer_step_pre_hook',
  },
  globalStepPost: {
    signature: 'optimizer, args, kwargs',
    call: 'register_optimizer_step_post_hook',
  },
  stateDictPre: { signature: 'optimizer', call: 'optimizer.register_state_dict_pre_hook' },
  stateDictPost: { signature: 'optimizer, d', call: 'optimizer.register_state_dict_post_hook' },
  loadStateDictPre: { signature: 'optimizer, d', call: 'optimizer.register_load_state_dict_pre_hook' },
  loadStateDictPost: { signature: 'optimizer', call: 'optimizer.register_load_state_dict_post_hook' },
};

/** An entry keeps its place; one that was filed under the new name goes. */
function renamed(from: string, to: string): string {
  const entries = `{${to} if k == ${from} else k: v for k, v in d["state"].items() if k != ${to}}`;
  return `d["state"] = ${entries} if ${from} in d["state"] and ${from} != ${to} else d["state"]`;
}

function indented(lines: string[]): string[] {
  return lines.map((line) => `    ${line}`);
}
