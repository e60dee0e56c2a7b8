import { execFileSync } from 'node:child_process';

/** The GPU that is checked, as its driver describes it. */
export interface Device {
  name: string;
  driver: string;
  computeCapability: string;
  memoryMB: number;
}

/** The machine's first GPU. @throws Error that says in one line what is missing */
export function findDevice(): Device {
  const [name, driver, computeCapability, memory] = query('name,driver_version,compute_cap,memory.total');
  return { name: name!, driver: driver!, computeCapability: computeCapability!, memoryMB: Number(memory) };
}

/** How much of the GPU's memory is in use, by whomever, in MB. */
export function usedMemoryMB(): number {
  return Number(query('memory.used')[0]);
}

function query(fields: string): string[] {
  const args = [`--query-gpu=${fields}`, '--format=csv,noheader,nounits', '--id=0'];
  let answer: string;
  try {
    answer = execFileSync('nvidia-smi', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stdout } = error as { code?: string; stdout?: string };
    const why = code === 'ENOENT' ? 'there is no nvidia-smi' : stdout?.trim() || 'nvidia-smi fails';
    throw new Error(`no NVIDIA GPU with a driver is found (${why}), and this check is for one`);
  }
  return answer.trim().split(/, */);
}
