import type { FromWorker, Task } from '../run.ts';

// Hangs at input 3, dies at input 5, and finds nothing at the others.
process.once('message', ({ first, step, end }: Task) => {
  for (let index = first; index < end; index += step) {
    process.send!({ at: index } satisfies FromWorker);
    while (index === 3);
    if (index === 5) throw new Error('planted');
    process.send!({ outcome: 'loads' } satisfies FromWorker);
  }
  setImmediate(() => process.disconnect()); // not while a message is handled
});
