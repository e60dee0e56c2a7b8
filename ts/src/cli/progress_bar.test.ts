import test from 'ava';
import { ProgressBar } from './progress_bar.ts';

/** A stream that keeps what is written, and a bar on it that began some milliseconds ago. */
function bar(isTTY: boolean, ago: number, columns = 80): { written: string[]; bar: ProgressBar } {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, bar: new ProgressBar('copying', stream as never, performance.now() - ago) };
}

test('shows bytes and a bar on a terminal, and takes it away', (t) => {
  const { written, bar: progress } = bar(true, 10_000);
  progress.show(2 ** 29, 2 ** 30);
  t.regex(written.join(''), /^\rcopying #{12}\.{12} 512\.0 MiB of 1\.0 GiB, 5\d\.\d MiB\/s/);
  t.true(written[0]!.endsWith('\u001b[K'));
  progress.clear();
  t.is(written.at(-1), '\r\u001b[K');
});

test('shows nothing in a pipe, nor of what is done in a moment', (t) => {
  for (const { written, bar: progress } of [bar(false, 10_000), bar(true, 0)]) {
    progress.show(1, 2);
    progress.clear();
    t.deepEqual(written, []);
  }
});

test('never wraps', (t) => {
  const { written, bar: progress } = bar(true, 10_000, 20);
  progress.show(1, 2);
  t.is(written[0]!.length, '\r'.length + 19 + '\u001b[K'.length);
});
