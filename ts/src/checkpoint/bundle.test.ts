import { createContext, Script } from 'node:vm';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { build } from 'esbuild';
import { runPython } from '../testing/python.ts';

/** What every browser has, of what the library uses. */
const webGlobals = { AbortSignal, Blob, DOMException, TextDecoder, TextEncoder, URL };

test('a bundle for the browser has nothing of Node and no dependency, reads a file of torch, and writes one', async (t) => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: "export * from 'torch-parity/checkpoint'",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'iife',
    globalName: 'checkpoint',
    logLevel: 'silent',
    metafile: true,
    minify: true,
    platform: 'browser',
    write: false,
  });
  const inputs = Object.keys(metafile.inputs);
  t.deepEqual(
    inputs.filter((input) => /node_modules|platform\/(?!web)|^node:/.test(input)),
    [],
  );
  const [output] = Object.values(metafile.outputs);
  t.deepEqual(output!.imports, []);
  t.log(`${(output!.bytes / 1000).toFixed(1)} kB, minified`);

  const saved = await runPython(`
import io, sys, torch
file = io.BytesIO()
torch.save({'model': torch.nn.Linear(2, 1).state_dict(), 'weight': torch.tensor([[1.0, -2.0]]).bfloat16(), 'epoch': 3.0}, file)
sys.stdout.buffer.write(file.getvalue())`);
  const context = createContext({ ...webGlobals, saved: saved.toString('base64'), atob });
  new Script(outputFiles[0]!.text).runInContext(context);
  const [written, refusal] = (await new Script(`(async () => {
    const bytes = Uint8Array.from(atob(saved), (character) => character.charCodeAt(0));
    const ofBytes = await checkpoint.load(bytes);
    const file = await checkpoint.open(new Blob([bytes]));
    const { bytes: weight } = await file.value.get('weight').data();
    await file.close();
    if (String(weight) !== String(ofBytes.get('weight').bytes)) throw new Error('the Blob has another weight');
    const refusal = await checkpoint.load('model.pt').catch((error) => error.message);
    return [await checkpoint.saveToBytes(ofBytes), refusal];
  })()`).runInContext(context)) as [Uint8Array, string];
  t.regex(refusal, /Blob/);
  const again = await runPython(
    `
import io, sys, torch
loaded = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=True)
torch.nn.Linear(2, 1).load_state_dict(loaded['model'])
print(loaded['weight'].dtype, loaded['weight'].tolist(), loaded['epoch'])`,
    { input: written },
  );
  t.is(String(again), 'torch.bfloat16 [[1.0, -2.0]] 3.0\n');
});
