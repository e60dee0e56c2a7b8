/** Runs a benchmark, and ends the process as a command does: 2 and a line on stderr where it cannot run. */
export async function runBenchmark(main: () => Promise<void>): Promise<void> {
  // So that what is done at exit is done then, too.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => process.exit(code));

  try {
    await main();
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    process.exit(2);
  }
}
