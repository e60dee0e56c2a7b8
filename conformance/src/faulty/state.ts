import { Parameter, TensorData, type StateEntry, type StateId } from 'torch-parity';
import { adadelta } from './definitions.ts';
import { mixed, type Fault } from './fault.ts';
import { tensorLike } from './host.ts';

/** Faults of which parameter has which state, and since when. */
export const stateFaults: readonly Fault[] = [
  mixed(
    'state-shared',
    'parameters of one shape shared their state',
    (base) =>
      class extends base {
        constructor(...args: any[]) {
          super(...args);
          this.state = new SharedState();
        }
      },
  ),
  mixed(
    'eager-state',
    'state were made before the first step',
    (base) =>
      class extends base {
        constructor(...args: any[]) {
          super(...args);
          if (!('rho' in this.defaults)) return;
          for (const parameter of this.paramGroups.flatMap(({ params }) => params)) {
            if (!this.state.has(parameter)) this.state.set(parameter, zeroState(parameter));
          }
        }
      },
  ),
];

/** Finds a parameter's state under the first parameter of its shape. */
class SharedState extends Map<Parameter | StateId, StateEntry> {
  override get(key: Parameter | StateId): StateEntry | undefined {
    return super.get(this.#first(key));
  }

  override set(key: Parameter | StateId, entry: StateEntry): this {
    return super.set(this.#first(key), entry);
  }

  #first(key: Parameter | StateId): Parameter | StateId {
    if (!(key instanceof Parameter)) return key;
    const like = (other: unknown): boolean =>
      other instanceof Parameter && String(other.shape) === String(key.shape);
    return [...this.keys()].find(like) ?? key;
  }
}

/** The state of Adadelta before the first step. */
function zeroState({ data, shape }: Parameter): StateEntry {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const zeros = adadelta.zeros.map((name) => [name, tensorLike(data, new Float64Array(size))]);
  return { step: TensorData.from('float32', [0], []), ...Object.fromEntries(zeros) };
}
