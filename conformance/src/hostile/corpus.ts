import { archives } from './files/archives.ts';
import { bombs } from './files/bombs.ts';
import { globals } from './files/globals.ts';
import { harmlessFiles } from './files/harmless.ts';
import { legacyFiles } from './files/legacy.ts';
import { names } from './files/names.ts';
import { pickles } from './files/pickles.ts';
import { safetensorsFiles } from './files/safetensors.ts';
import { tensors } from './files/tensors.ts';
import type { HostileFile } from './hostile_file.ts';

/** Every file of the corpus, under a name of its own. */
export const corpus: readonly HostileFile[] = [
  ...archives,
  ...names,
  ...globals,
  ...pickles,
  ...tensors,
  ...bombs,
  ...safetensorsFiles,
  ...legacyFiles,
  ...harmlessFiles,
];
