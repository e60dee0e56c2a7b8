import { readCase } from '../cases.ts';
import { readPlace } from '../exchange/stored.ts';
import { startOracle } from '../oracle.ts';
import { failureText } from '../report/failure.ts';
import { outcomes } from '../verify.ts';
import { exchangeCommand } from './exchange.ts';
import { loadSubject } from './load_subject.ts';
import { explanationOf, subjectName, type CommonOptions } from './verify.ts';

/** `torch-conformance replay FILE`; gives the exit code. */
export async function replayCommand({
  file,
  subject: name,
  ...options
}: CommonOptions & { file: string }): Promise<number> {
  const place = readPlace(file);
  if (place) return exchangeCommand({ ...options, ...place, subject: name, runs: 1 });
  const { program } = readCase(file);
  const { optimizer, torchOptimizer } = options;
  const { subject } = await loadSubject(name, optimizer);
  await using oracle = await startOracle({ ...options, optimizers: torchOptimizer });
  for await (const outcome of outcomes(subject, oracle, [{ source: { file }, program }], 1)) {
    switch (outcome.verdict) {
      case 'agrees':
        console.log(`${file}: ${subject.name} agrees with torch ${oracle.hello.torch}`);
        return 0;
      case 'differs':
        console.log(
          failureText(outcome, {
            ...{ subject: subjectName(subject, outcome), torch: oracle.hello.torch, file },
            explanation: await explanationOf(outcome),
            own: { optimizer, torchOptimizer },
          }),
        );
        return 1;
      case 'could not run':
        console.log(`${file} could not run, because of the ${outcome.by}: ${outcome.message}`);
    }
  }
  return 2;
}
