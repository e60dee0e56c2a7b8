import { setNumber } from '../python/number.ts';
import { valueText } from '../inspect/python_value.ts';
import { few, type Finding } from './finding.ts';
import { momentsOf, shapeFits, slotText, type Slot, type Subject } from './subject.ts';

/** The shapes of state, among themselves and against the parameters that it is for. */
export function* auditShapes(subject: Subject): Generator<Finding> {
  const uneven = subject.slots.filter(
    (slot) => new Set(momentsOf(slot).map(([, { shape }]) => String(shape))).size > 1,
  );
  if (uneven.length > 0) {
    yield {
      code: 'uneven-state',
      severity: 'error',
      path: (uneven[0] as Slot).path,
      found: `state of different shapes for one parameter: ${few(uneven.map(momentsText), 2)}`,
      consequence: shapeConsequence,
      cure: 'the file mixes the state of several parameters: write it again from the optimizer that has them',
    };
  }
  const wrong = subject.slots.filter(
    (slot) => slot.parameter && !shapeFits(slot, slot.parameter.tensor.shape),
  );
  if (wrong.length === 0) return;
  const isNamed = wrong.every(({ name }) => name !== undefined);
  const order = uneven.length === 0 ? rightOrder(subject, wrong) : undefined;
  // Shapes alone prove nothing: torch numbers the parameters as it is given them, in any order. But it never writes ids
  // that are out of order, and where they fit once they count up, that is how it wrote them.
  const isProven = isNamed || order?.every(({ id }, i) => id === i) === true;
  yield {
    code: order === undefined ? 'wrong-shape' : 'permuted-state',
    severity: isProven ? 'error' : 'warning',
    path: (wrong[0] as Slot).path,
    found: `shapes that do not fit${isNamed ? '' : " in the order of the model's parameters"}: ${few(wrong.map(misfitText), 2)}`,
    consequence: isProven
      ? shapeConsequence
      : 'load_state_dict looks at no shapes: in an optimizer of model.parameters(), step() raises an error, or where they broadcast, uses the wrong moments',
    ...(order === undefined
      ? {
          cure: 'no order of the state fits in one way alone: build the optimizer with its parameters in the order that it had',
        }
      : isProven
        ? {
            remedy: 'the state goes to the parameters that it fits, and ids count up from 0',
            repair: reordering(subject, order),
          }
        : {
            cure: `build the optimizer with its parameters in the order of this state: ${orderText(subject, order)}`,
          }),
  };
}

/** The names of the parameters in the order in which their state stands. */
function orderText({ slots }: Subject, order: Slot[]): string {
  const names = new Map(order.map((from, i) => [from, slots[i]?.parameter?.name]));
  return few(
    slots.map((slot) => String(names.get(slot))),
    8,
  );
}

const shapeConsequence =
  'load_state_dict does not look at shapes: step() raises an error, or where they broadcast, uses the wrong moments';

function momentsText(slot: Slot): string {
  return `${slotText(slot)} has ${momentsOf(slot)
    .map(([key, tensor]) => `${key} ${valueText(tensor)}`)
    .join(', ')}`;
}

function misfitText(slot: Slot): string {
  const [[key, tensor] = []] = momentsOf(slot);
  const { name, tensor: parameter } = slot.parameter as NonNullable<Slot['parameter']>;
  return `${key} of ${valueText(slot.id)} is [${tensor?.shape.join(', ')}], and ${name} is [${parameter.shape.join(', ')}]`;
}

/**
 * Which slot's state each slot should have: as the ids count up, if that fits; else by shapes, where each of those that do
 * not fit is there once alone.
 */
function rightOrder({ slots, orphans }: Subject, wrong: Slot[]): Slot[] | undefined {
  const byId = new Map(slots.map((slot) => [slot.id, slot]));
  if (orphans.length > 0 || byId.size !== slots.length) return undefined;
  const fits = (order: (Slot | undefined)[]): order is Slot[] =>
    order.every((from, i) => from && shapeFits(from, slots[i]?.parameter?.tensor.shape ?? []));

  const ascending = slots.map((_, i) => byId.get(i));
  if (fits(ascending)) return ascending;

  const misplaced = new Map(wrong.map((slot) => [shapeOf(slot), slot]));
  const wanted = new Set(wrong.map(({ parameter }) => String(parameter?.tensor.shape)));
  const isUnique = slots.filter((slot) => misplaced.has(shapeOf(slot))).length === wrong.length;
  if (!isUnique || misplaced.size !== wrong.length || wanted.size !== wrong.length) return undefined;
  const isWrong = new Set(wrong);
  const byShape = slots.map((slot) =>
    isWrong.has(slot) ? misplaced.get(String(slot.parameter?.tensor.shape)) : slot,
  );
  return fits(byShape) ? byShape : undefined;
}

function shapeOf(slot: Slot): string {
  return String(momentsOf(slot)[0]?.[1].shape);
}

/** What gives each slot the state of another, as it is now: another dict of the file may share it, and be repaired first. */
function reordering({ state, slots }: Subject, order: Slot[]): () => void {
  // A key that was misspelt may be the id by now.
  const states = order.map(({ id, key }) => state.get(id) ?? state.get(key));
  return () => {
    state.clear();
    for (const [i, { ids, index }] of slots.entries()) {
      setNumber(ids, index, { type: 'int', value: i });
      if (states[i] !== undefined) state.set(i, states[i]);
    }
  };
}
