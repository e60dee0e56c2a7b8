import { integer } from '../hostile/bytes.ts';
import type { Base } from './bases.ts';
import { edgeIntegers } from './edges.ts';
import { overwrite, type Edit } from './edit.ts';
import { mutateJson } from './json.ts';
import { mutatePickle } from './pickle.ts';
import type { Random } from './random.ts';
import { mutateZip } from './zip.ts';

/** Changes bytes, in one place, in a way that fits what they are, or in any way. */
export function mutate(base: Base, current: Uint8Array, others: readonly Base[], random: Random): Edit {
  const structured = { zip: mutateZip, pickle: mutatePickle, json: mutateJson, bytes: undefined }[base.kind];
  const edit = structured && random.below(3) > 0 ? structured(current, random) : undefined;
  return edit ?? mutateBytes(current, random.pick(others).bytes, random);
}

/** Changes bytes without knowing what they are. */
function mutateBytes(file: Uint8Array, other: Uint8Array, random: Random): Edit {
  const at = random.below(file.length + 1);
  const some = 1 + random.below(random.pick([1, 4, 16, 256]));
  switch (random.below(8)) {
    case 0: // a bit
      return overwrite(at, Uint8Array.of((file[at] ?? 0) ^ (1 << random.below(8))));
    case 1: // an integer
      return overwrite(at, integer(random.pick(edgeIntegers), random.pick([1, 2, 4, 8])));
    case 2: // noise
      return overwrite(at, random.bytes(some));
    case 3: // something is lost
      return { at, remove: some, insert: new Uint8Array() };
    case 4: // something is added
      return { at, remove: 0, insert: random.bytes(some) };
    case 5: {
      // something stands twice, or at another place
      const from = random.below(file.length + 1);
      return { at, remove: random.pick([0, some]), insert: file.slice(from, from + some) };
    }
    case 6: // the end is lost
      return { at, remove: file.length - at, insert: new Uint8Array() };
    default: {
      // the end of another file
      const from = Math.min(other.length, at + random.pick([0, 0, some]));
      return { at, remove: file.length - at, insert: other.slice(from) };
    }
  }
}
