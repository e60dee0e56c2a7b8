import { parseArgs, styleText } from 'node:util';
import { audit } from '../audit/audit.ts';
import type { Finding, Severity } from '../audit/finding.ts';
import { open } from '../checkpoint/index.ts';
import { optimizersIn } from '../inspect/optimizers.ts';
import { pathText } from '../inspect/python_value.ts';
import { countText } from '../inspect/quantity.ts';
import { survey } from '../inspect/survey.ts';
import { escapeControls, fileCommand, FileError, saveFile } from './file_command.ts';
import { jsonText } from './json_output.ts';
import { ProgressBar } from './progress_bar.ts';
import { UsageError } from './usage_error.ts';

export const usage = `Usage: torch-parity audit [--model MODEL] [--fix OUT] [--json] FILE

Finds what torch loads without an error, and gets wrong, in every optimizer's state dict of a checkpoint: ids that became
strings (torch loads EMPTY state), state that is missing, left over or in another order, shapes that fit another
parameter, moments that are all zero, NaN or in half precision, step counts and learning rates that contradict each other.
Every tensor of the optimizers is read.

Options:
  --model MODEL   a file with the model's state_dict(): state is compared with the parameters (default: a state_dict in
                  FILE, if there is one alone)
  --fix OUT       writes a copy with all repaired that has one right way; OUT may be FILE
  --json          prints one JSON document: file, optimizers [path], findings [{code, severity, path, found,
                  consequence, cure?, remedy?, fixed}]

A finding is an error (torch goes wrong on it), a warning (wrong unless it is meant) or a note.

Exits with 0 if there are no errors and warnings, or --fix repaired all of them; 1 if there are; 2 where a file cannot be read or
written, or FILE has no optimizer.

Examples:
  torch-parity audit checkpoint.pt
  torch-parity audit optimizer.pt --model model.pt --fix repaired.pt`;

const options = {
  model: { type: 'string' },
  fix: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw new UsageError('audit needs one FILE');
  const { model: modelFile, fix, json } = values;
  return fileCommand(async (signal) => {
    await using checkpoint = await open(file, { signal });
    await using model = modelFile === undefined ? undefined : await open(modelFile, { signal });
    const optimizers = optimizersIn(survey(checkpoint.value));
    if (optimizers.length === 0) {
      throw new FileError(file, 'no state dict of an optimizer (state and param_groups) is in it');
    }
    const findings: Finding[] = [];
    for await (const finding of audit(checkpoint.value, { model: model?.value, signal }))
      findings.push(finding);
    if (fix !== undefined) {
      for (const { repair } of findings) repair?.();
      using bar = new ProgressBar('writing');
      await saveFile(checkpoint.value, fix, { signal, onProgress: bar.show });
    }
    const told = findings.map((finding) => ({ ...finding, fixed: fix !== undefined && 'repair' in finding }));
    if (json) {
      // Functions are left out: a repair is none of the document.
      console.log(jsonText({ file, optimizers: optimizers.map(({ path }) => path), findings: told }));
    } else {
      for (const finding of told) printFinding(finding);
      printSummary(told, fix);
    }
    return told.some(({ severity, fixed }) => severity !== 'note' && !fixed) ? 1 : 0;
  });
}

interface Told extends Finding {
  fixed: boolean;
}

const colours: Record<Severity, Parameters<typeof styleText>[0]> = {
  error: 'red',
  warning: 'yellow',
  note: 'cyan',
};

function printFinding({ severity, code, path, found, consequence, cure, remedy, fixed }: Told): void {
  console.log(`${styleText(colours[severity], severity)} ${code} at ${styleText('bold', pathText(path))}`);
  console.log(`  found: ${escapeControls(found)}`);
  console.log(`  torch: ${consequence}`);
  if (remedy !== undefined) console.log(`  ${fixed ? 'fixed' : '--fix'}: ${remedy}`);
  else if (cure !== undefined) console.log(`  cure:  ${cure}`);
  console.log();
}

function printSummary(findings: Told[], fix: string | undefined): void {
  const counts = (['error', 'warning', 'note'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [countText(count, severity)];
  });
  const repairs = findings.filter(({ repair }) => repair !== undefined).length;
  const found = counts.length === 0 ? 'nothing found' : counts.join(', ');
  if (fix !== undefined) console.log(`${found}; ${repairs} repaired in ${escapeControls(fix)}`);
  else console.log(repairs === 0 ? found : `${found}; --fix OUT repairs ${repairs}`);
}
