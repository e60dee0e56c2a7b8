import type { Checkpoint } from '../checkpoint/index.ts';
import { Tuple } from '../python/collections.ts';
import { countText } from '../inspect/quantity.ts';
import { survey } from '../inspect/survey.ts';
import { escapeControls } from './file_command.ts';

/** What a file has no place for when it is written in another format. Devices are not told of: no reader keeps them. */
export function* lossesOf({ value, metadata }: Checkpoint, format: 'pt' | 'safetensors'): Generator<string> {
  if (metadata !== undefined) {
    const lost = [...metadata.keys()].filter((key) => key !== 'format' && key !== 'torch_parity.tree');
    if (lost.length > 0) yield `metadata of safetensors is not kept: ${escapeControls(lost.join(', '))}`;
  }
  if (format === 'safetensors') yield* lossesInSafetensors(value);
}

function* lossesInSafetensors(value: unknown): Generator<string> {
  const found = survey(value);
  const shared = [...found.storages.values()].filter((views) => views > 1);
  if (shared.length > 0) {
    const tensors = shared.reduce((sum, views) => sum + views, 0);
    yield `safetensors has no shared storages: the ${countText(tensors, 'tensor')} of ${countText(shared.length, 'shared storage')} were written one by one`;
  }
  // Nobody can tell a tuple from its copy.
  const copied = [...found.sharedContainers].filter((container) => !(container instanceof Tuple)).length;
  if (copied > 0) {
    yield `safetensors has no shared lists and dicts: each place has a copy of its own now (shared before: ${copied})`;
  }
}
