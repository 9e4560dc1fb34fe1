/** Global variables of an object that is loaded: which there are, and values given for them before loading. */

import type { Btf } from '../../btf/index.ts';
import { type ByteOrder, elementAt } from '../../bytes/index.ts';
import { quote, within } from '../../diag/index.ts';
import {
  type BpfObject,
  findGlobal,
  type ObjectLayout,
  sectionNameOf,
  writeGlobal,
} from '../../object/index.ts';

import type { PlannedMaps } from './maps.ts';
import type { GlobalPlan, MapPlan } from './plan.ts';

/** Named variables in sections that become maps, in symbol order. */
export function planGlobals(object: BpfObject, layout: ObjectLayout, maps: PlannedMaps): GlobalPlan[] {
  return object.symbols.flatMap((symbol, index) => {
    const map = symbol.kind === 'variable' ? maps.ofSection.get(symbol.section) : undefined;
    if (symbol.kind !== 'variable' || map === undefined || symbol.name === '') return [];
    return [
      {
        name: symbol.name,
        section: sectionNameOf(object, symbol),
        map,
        offset: elementAt(layout.offsets, index),
        size: symbol.size,
        type: symbol.btfId,
        constant: elementAt(maps.maps, map).frozen,
      },
    ];
  });
}

/**
 * The maps with `values` written into their initial contents. Throws `value-mismatch` for values that do not
 * fit.
 */
export function setInitialValues(
  maps: readonly MapPlan[],
  globals: readonly GlobalPlan[],
  btf: Btf | null,
  order: ByteOrder,
  values: Iterable<readonly [name: string, value: unknown]>,
): readonly MapPlan[] {
  const contents = new Map<number, Uint8Array>();
  for (const [name, value] of values) {
    const global = findGlobal(globals, name);
    const map = maps[global.map];
    if (map === undefined) continue;
    const bytes = contents.get(global.map) ?? map.contents?.slice() ?? new Uint8Array(map.valueSize);
    contents.set(global.map, bytes);
    within(`variable ${quote(name)}`, () => writeGlobal(global, btf, order, value, bytes));
  }
  return maps.map((map, index) => {
    const bytes = contents.get(index);
    return bytes === undefined ? map : { ...map, contents: bytes };
  });
}
