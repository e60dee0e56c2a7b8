import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import { load, open, save, tensorsOf, type LoadedTensor } from 'torch-parity/checkpoint';

// What the benchmark measures of torch-parity: a request a line, as bench/checkpoint.py has it.

type Request =
  | { do: 'digest' | 'hold'; file: string }
  | { do: 'read' | 'write'; file: string; by: 'load' | 'open' | 'save' }
  | { do: 'drop' };

let held: unknown;

async function answer(request: Request): Promise<object> {
  switch (request.do) {
    case 'digest':
      return { digest: digest(await load(request.file)) };
    case 'hold':
      held = await load(request.file);
      return {};
    case 'drop':
      held = undefined;
      return {};
    case 'read':
      return measured(async () => {
        if (request.by === 'load') return load(request.file);
        await using checkpoint = await open(request.file);
        return checkpoint.value;
      });
    case 'write':
      return measured(() => save(held, request.file));
  }
}

/** The CRC of all elements, in the order of the tensors' names. */
function digest(value: unknown): number {
  const named = [...tensorsOf(value)].map(
    ([path, tensor]) => [path.join('.'), tensor as LoadedTensor] as const,
  );
  named.sort(([one], [other]) => (one < other ? -1 : 1));
  return named.reduce((crc, [, { bytes }]) => crc32(bytes, crc), 0);
}

async function measured(call: () => Promise<unknown>): Promise<{ ms: number; peakMB: number }> {
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // the peak starts anew
  const start = performance.now();
  const kept = [await call()]; // as a caller keeps it
  const ms = performance.now() - start;
  const peakMB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  kept.pop();
  return { ms, peakMB };
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await answer(JSON.parse(line) as Request)));
