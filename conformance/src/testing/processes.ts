import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  return !['', 'Z'].includes(status(pid, 'State').charAt(0));
}

/** The process and everything that it started, directly or not. */
export function family(pid: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean);
  const parents = new Map(pids.map((child) => [child, Number(status(child, 'PPid'))]));
  const below = (parent: number): number[] =>
    pids.filter((child) => parents.get(child) === parent).flatMap((child) => [child, ...below(child)]);
  return [pid, ...below(pid)];
}

/** Waits for a condition; whether it came. */
export async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 400 && !condition(); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return condition();
}

/** A line of /proc/PID/status; empty if there is no such process. */
function status(pid: number, name: string): string {
  try {
    return new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
