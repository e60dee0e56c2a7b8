import * as fc from 'fast-check';
import type { Argument } from '../program.ts';
import { chance } from './chance.ts';
import { Draft, pick, type Setting } from './draft.ts';
import { constructorOptions, either, groupOptions } from './options.ts';
import { shape } from './tensors.ts';
import { elements } from './values.ts';

/** Makes a draft with its parameters and options, and what the constructor is given first. */
export type Start = () => { draft: Draft; argument: Argument };

/**
 * 0 to 6 parameters, in one list or in 1 to 4 groups with options of their own; some are left for a group that is added
 * later. There are two shapes at most, so that parameters of the same shape are common.
 */
export function start(setting: Setting): fc.Arbitrary<Start> {
  const { features, optimizer, dtype, temper } = setting;
  const param = fc.record({ shape: fc.nat(1), values: elements(dtype, temper), group: fc.nat(4) });
  const group = fc.record({ options: groupOptions(optimizer.options, temper), bare: fc.boolean() });
  return fc
    .record({
      shapes: fc.array(shape(), { minLength: 1, maxLength: 2 }),
      params: either(
        [96, fc.array(param, { minLength: 1, maxLength: 6, size: 'max' })],
        [4, fc.constant<never[]>([])],
      ),
      options: constructorOptions(optimizer.options, temper),
      groups: fc.array(group, { minLength: 1, maxLength: 4, size: 'max' }),
      grouped: chance(60),
      asSet: chance(10),
      named: chance(20),
      twice: chance(6),
      loop: chance(30),
      late: chance(40),
    })
    .map((made) => () => {
      const shapes = made.params.map(({ shape }) => pick(made.shapes, shape)!);
      const grouped = made.grouped || made.params.length === 0;
      const groups = grouped ? made.groups : made.groups.slice(0, 1);
      const places = groups.length + (made.late ? 1 : 0);
      const placed = groups.map((group, place) => {
        const params = [...shapes.keys()].filter((param) => made.params[param]!.group % places === place);
        return { ...group, params: made.twice ? [...params, ...params.slice(0, 1)] : params };
      });
      // A group without parameters has no names either, and torch takes no such mixture.
      const taken = placed.filter(({ params }) => params.length > 0);
      const named = made.named && features.named && taken.length > 0;
      const draft = new Draft(
        setting,
        made.params.map(({ values }, param) => ({ shape: shapes[param]!, values })),
        { options: optimizer.legal(made.options), named, loop: made.loop || made.twice },
      );
      if (grouped || taken.length === 0) {
        const list = (named ? taken : placed).map(({ params, options, bare }) => ({
          group: draft.group(params, options, bare),
        }));
        return { draft, argument: { list } };
      }
      const { params } = taken[0]!;
      const { params: argument } = draft.group(params, []);
      const asSet = made.asSet && features.setWarning && !named && params.length === 1;
      return { draft, argument: asSet ? { set: [{ param: params[0]! }] } : argument! };
    });
}
