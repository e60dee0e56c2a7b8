import type { ElementDifference } from '../compare.ts';
import type { Program } from '../program.ts';
import { pythonText } from '../python_text.ts';
import { hex } from '../ulp.ts';
import type { Differing, Source } from '../verify.ts';
import { pythonSnippet } from './snippet.ts';

/** An optimizer of the user's own. */
export interface OwnOptimizer {
  /** A module that exports what `defineOptimizer` gave. */
  optimizer?: string | undefined;
  /** A Python file that defines the class, where torch.optim has none of that name. */
  torchOptimizer?: string | undefined;
}

export interface FailureContext {
  subject: string;
  torch: string;
  /** Where the case is stored. */
  file: string;
  /** What it was found by, where it was made smaller since. */
  found?: Source;
  /** The planted fault that it behaves like. */
  explanation?: string | undefined;
  /** Where the optimizer is from, if not from torch-parity, and from torch.optim. */
  own?: OwnOptimizer;
  /** False where there was no time to make it smaller still. */
  complete?: boolean;
}

const meanings = {
  'subject-exact': (subject: string, torch: string) =>
    `${subject} differs from torch ${torch}, and claims to be exact`,
  'subject-bounded': (subject: string, torch: string) =>
    `${subject} is outside the error bound of torch ${torch}`,
  'oracle-foreach': (_: string, torch: string) =>
    `the oracle is suspect: foreach differs from the for-loop in torch ${torch}`,
  'oracle-bound': (_: string, torch: string) =>
    `the bound or the oracle is suspect: torch ${torch} as it is leaves the bound`,
};

/** A failure on one screen: what differs, where, by how much, and how to see it again, here and in plain Python. */
export function failureText({ source, program, judgement }: Differing, context: FailureContext): string {
  const { check, difference } = judgement.finding!;
  const { record, path, ours, theirs, element } = difference;
  const left = check.startsWith('oracle')
    ? { 'oracle-foreach': 'foreach', 'oracle-bound': 'torch' }[check as 'oracle-bound']
    : 'ours';
  const right = {
    'subject-exact': 'torch',
    'subject-bounded': 'truth',
    'oracle-foreach': 'for-loop',
    'oracle-bound': 'truth',
  }[check];
  return [
    meanings[check](context.subject, context.torch),
    '',
    `  ${programText(program)}`,
    `  ${whereText(program, record)}: ${path}`,
    `    ${left.padEnd(9)}${ours}${element ? `  ${hex(element.oursBits, element.width)}` : ''}`,
    `    ${right.padEnd(9)}${theirs}${element ? `  ${hex(element.theirsBits, element.width)}` : ''}`,
    ...(element ? [`    ${apartText(element)}`] : []),
    ...(context.explanation ? [`  It behaves as if ${context.explanation}.`] : []),
    '',
    `  found by  ${sourceText(context.found ?? source)}`,
    ...(context.found
      ? [`  smallest  ${sourceText(source)}${context.complete ? '' : ' (time ran out)'}`]
      : []),
    `  stored    ${context.file}`,
    `  replay    npx torch-conformance replay ${context.file}${ownText(context.own)}`,
    '',
    `In plain Python (torch ${context.torch}):`,
    '',
    pythonSnippet(program, record, path, context.own?.torchOptimizer),
  ].join('\n');
}

function ownText({ optimizer, torchOptimizer }: OwnOptimizer = {}): string {
  return (
    (optimizer === undefined ? '' : ` --optimizer ${optimizer}`) +
    (torchOptimizer === undefined ? '' : ` --torch-optimizer ${torchOptimizer}`)
  );
}

function programText({ optimizer, dtype, options, params, tensors, argument }: Program): string {
  const text = options.map(([key, value]) => `${key}=${pythonText(value, (index) => `tensor ${index}`)}`);
  const shapes = params.map(({ tensor }) => `[${tensors[tensor]!.shape.join(', ')}]`);
  const groups = 'list' in argument ? argument.list.filter((item) => 'group' in item).length : 0;
  return `${optimizer}(${text.join(', ')}), ${dtype}, parameters ${shapes.join(' ')}${groups ? `, ${groups} groups` : ''}`;
}

function whereText({ commands }: Program, record: number): string {
  if (record === 0) return 'after the construction';
  const command = commands[record - 1]!;
  const nth = commands.slice(0, record).filter(({ op }) => op === command.op).length;
  return `after command ${record} of ${commands.length} (${command.op} ${nth})`;
}

function apartText({ ulps }: ElementDifference): string {
  if (ulps === undefined) return 'no bit may differ';
  if (ulps === 0n) return 'zeros of different sign, no bit may differ';
  return `${ulps} ${ulps === 1n ? 'ulp' : 'ulps'} apart, 0 are allowed`;
}

function sourceText(source: Source): string {
  return 'file' in source ? source.file : `seed ${source.seed}, path ${source.path}`;
}
