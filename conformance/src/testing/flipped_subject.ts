import { loadSubject } from '../commands/load_subject.ts';
import type { Subject } from '../subject.ts';

const { subject } = await loadSubject('tensorflow');

/** torch-parity with one bit wrong: the last of the first parameter, after every step. */
const flipped: Subject = {
  ...subject,
  name: 'flipped',
  async run(program, engine) {
    const trace = await subject.run(program, engine);
    trace.records.forEach(({ snapshot }, index) => {
      const bytes = trace.tensors[snapshot?.params[0] ?? -1]?.bytes;
      if (bytes?.length && program.commands[index - 1]?.op === 'step') bytes[0]! ^= 1;
    });
    return trace;
  },
};

export default flipped;
