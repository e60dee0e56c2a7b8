import { LazyTensor, UnsupportedError, type Format, type Storage } from '../checkpoint/index.ts';
import type { DType } from '../dtype.ts';
import { toTagged, type Tagged } from '../python/tagged.ts';
import { totalsOf, type Survey } from './survey.ts';

/** A checkpoint as one JSON document. */
export interface JsonDocument {
  file: string;
  format: Format;
  /** Bytes of the file. */
  size: number;
  totals: { tensors: number; elements: number; storages: number; storageBytes: number };
  /** The tree in the tagged form; `{"tensor": k}` stands for `tensors[k]`. */
  value: Tagged;
  tensors: JsonTensor[];
  storages: { bytes: number }[];
}

export interface JsonTensor {
  path: string;
  dtype: DType;
  shape: readonly number[];
  stride: readonly number[];
  offset: number;
  /** An index into `storages`. */
  storage: number;
}

/** Values that a document may hold; a file may refer to one list from so many places that no memory would do. */
const mostValues = 50_000_000;

/** @throws UnsupportedError CYCLE for a value that contains itself: JSON cannot say that */
export function toJson(
  value: unknown,
  survey: Survey,
  about: { file: string; format: Format; size: number },
): JsonDocument {
  if (survey.expandedSize === Infinity) {
    throw new UnsupportedError(
      'CYCLE',
      'JSON cannot show a list or dict that contains itself: inspect without --json',
      {
        file: about.file,
      },
    );
  }
  if (survey.expandedSize > mostValues) {
    throw new UnsupportedError(
      'UNSUPPORTED_VALUE',
      `in JSON, the file would be ${survey.expandedSize} values: inspect without --json`,
      { file: about.file, expected: mostValues, found: survey.expandedSize },
    );
  }
  const storages = new Map<Storage, number>(Array.from(survey.storages.keys(), (storage, i) => [storage, i]));
  const indices = new Map(Array.from(survey.tensors.keys(), (tensor, i) => [tensor, i]));
  const tensors = Array.from(survey.tensors, ([{ dtype, shape, stride, offset, storage }, path]) => {
    return { path, dtype, shape, stride, offset, storage: storages.get(storage) as number };
  });
  return {
    ...about,
    totals: { tensors: tensors.length, storages: storages.size, ...totalsOf(survey) },
    value: toTagged(value, (item) => (item instanceof LazyTensor ? tagTensor(item) : undefined)),
    tensors,
    storages: Array.from(storages.keys(), ({ byteLength }) => ({ bytes: byteLength })),
  };

  function tagTensor(tensor: LazyTensor): Tagged {
    const index = indices.get(tensor) as number;
    if (tensor.parameter) return { parameter: { tensor: index, requiresGrad: tensor.requiresGrad } };
    return tensor.requiresGrad ? { requiringGrad: index } : { tensor: index };
  }
}
