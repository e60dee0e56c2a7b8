import { runPython } from './python.ts';

/**
 * What torch.save writes for Python expressions, all in one process: importing torch takes longer than all else.
 *
 * @param setup - Python that runs before; it has `torch`
 * @param values - a Python expression under each name
 */
export async function torchFiles<Name extends string>(
  setup: string,
  values: Record<Name, string>,
): Promise<Record<Name, Uint8Array>> {
  const code = `
import io, json, sys, torch
torch.set_num_threads(1)
${setup}
for value in [${Object.values(values).join(',\n')}]:
    file = io.BytesIO()
    torch.save(value, file)
    sys.stdout.buffer.write(len(file.getvalue()).to_bytes(8, "little") + file.getvalue())
`;
  const bytes = await runPython(code);
  const files = {} as Record<Name, Uint8Array>;
  let start = 0;
  for (const name of Object.keys(values) as Name[]) {
    const end = start + 8 + Number(bytes.readBigUInt64LE(start));
    files[name] = bytes.subarray(start + 8, end);
    start = end;
  }
  return files;
}
