import { parseArgs, styleText } from 'node:util';
import { audit } from '../audit/audit.ts';
import type { Finding, Severity } from '../audit/finding.ts';
import { open } from '../checkpoint/index.ts';
import { optimizersIn } from '../inspect/optimizers.ts';
import { pathText } from '../inspect/python_value.ts';
import { countText } from '../inspect/quantity.ts';
import { survey } from '../inspect/survey.ts';
import { escapeControls, fileCommand, FileError } from './file_command.ts';
import { jsonText } from './json_output.ts';
import { ProgressBar } from './progress_bar.ts';
import { saveFile } from './save_file.ts';
import { UsageError } from './usage_error.ts';

export const usage = `Usage: torch-parity audit [--model MODEL] [--fix OUT] [--json] FILE

Finds what torch loads without an error, and gets wrong, in every optimizer's state dict of a checkpoint: ids that became
strings (torch loads EMPTY state), state that is missing, left over or in another order, shapes that fit another
parameter, moments that are all zero, NaN or in half precision, step counts and learning rates that contradict each other.
Every tensor of the optimizers is read.

Options:
  --model MODEL   a file with the model's state_dict(): state is compared with the parameters, by names if the optimizer
                  has them, else in order (default: a module's state_dict() in FILE, if there is one alone)
  --fix OUT       writes a copy with all repaired that is proven wrong and has one right way; OUT may be FILE. What OUT
                  cannot keep is told on stderr
  --json          prints one JSON document: file, optimizers [path], findings [{code, severity, path, found,
                  consequence, cure?, remedy?, fixed}]

A finding is an error (torch goes wrong on it), a warning (wrong unless it is meant) or a note.

Exits with 0 if there are no errors and warnings, or none are left in OUT; 1 if there are; 2 where a file cannot be read or
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
  if (file === undefined || rest.length > 0)
    throw new UsageError('audit needs one FILE (--fix takes the file to write)');
  const { model: modelFile, fix, json } = values;
  return fileCommand(async (signal) => {
    await using checkpoint = await open(file, { signal });
    await using model = modelFile === undefined ? undefined : await open(modelFile, { signal });
    const optimizers = optimizersIn(survey(checkpoint.value));
    if (optimizers.length === 0) {
      throw new FileError(file, 'no state dict of an optimizer (state and param_groups) is in it');
    }
    const collect = async (): Promise<Finding[]> => {
      using bar = new ProgressBar('reading');
      const findings: Finding[] = [];
      const wanted = { model: model?.value, signal, onProgress: bar.show };
      for await (const finding of audit(checkpoint.value, wanted)) findings.push(finding);
      return findings;
    };
    let told: Told[] = (await collect()).map((finding) => ({ ...finding, fixed: false }));
    if (fix !== undefined) {
      const repairs = told.flatMap(({ repair }) => repair ?? []);
      for (const repair of repairs) repair();
      // Another audit tells what is left, or was made wrong.
      if (repairs.length > 0) told = compare(told, await collect());
      await saveFile(checkpoint, fix, { label: 'writing', signal });
    }
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

/** What was repaired and is not found again, and all that is found now. */
function compare(before: Finding[], after: Finding[]): Told[] {
  const keyOf = ({ code, path }: Finding): string => `${code} ${path}`;
  const left = new Set(after.map(keyOf));
  const repaired = before.filter((finding) => finding.repair && !left.has(keyOf(finding)));
  return [
    ...repaired.map((finding) => ({ ...finding, fixed: true })),
    ...after.map((finding) => ({ ...finding, fixed: false })),
  ];
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
  const fixed = findings.filter(({ fixed }) => fixed).length;
  const found = counts.length === 0 ? 'nothing found' : counts.join(', ');
  if (fix !== undefined) console.log(`${found}; ${fixed} repaired in ${escapeControls(fix)}`);
  else console.log(repairs === 0 ? found : `${found}; --fix OUT repairs ${repairs}`);
}
