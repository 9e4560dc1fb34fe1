/**
 * Global variables of an object by name: where they are, of which type, and values given for them before
 * loading.
 */

import { type Btf, encodeValue } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { available, quote, usageError, within } from '../../diag/index.ts';
import type { BpfObject, ObjectLayout } from '../../object/index.ts';
import { sectionNameOf } from '../../object/index.ts';

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
 * The variable called `name`, or `SECTION:NAME` where several are. Throws `load-no-global`, naming what there
 * is.
 */
export function findGlobal(globals: readonly GlobalPlan[], name: string): GlobalPlan {
  const matching = globals.filter(
    global => global.name === name || `${global.section}:${global.name}` === name,
  );
  const [only, other] = matching;
  if (only !== undefined && other === undefined) return only;
  if (other !== undefined) {
    const sections = matching.map(global => `${global.section}:${global.name}`).join(', ');
    throw usageError(
      'load-global-ambiguous',
      `there are ${matching.length} variables ${quote(name)}: ${sections}`,
    );
  }
  throw usageError(
    'load-no-global',
    `there is no variable ${quote(name)}; ${available(
      'there are',
      globals.map(global => global.name),
    )}`,
  );
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

/** A value of the variable's type, or its raw bytes. `bytes` is the value of the whole map. */
export function writeGlobal(
  global: GlobalPlan,
  btf: Btf | null,
  order: ByteOrder,
  value: unknown,
  bytes: Uint8Array,
): void {
  if (btf !== null && global.type !== 0 && !isRaw(value, global)) {
    encodeValue({ btf, order }, global.type, value, bytes, global.offset);
    return;
  }
  if (!(value instanceof Uint8Array) || value.length !== global.size) {
    throw usageError('value-mismatch', `${global.size} bytes are needed: the type is not known`);
  }
  bytes.set(value, global.offset);
}

/** Bytes of exactly the variable's size are taken as they are. */
function isRaw(value: unknown, global: GlobalPlan): value is Uint8Array {
  return value instanceof Uint8Array && value.length === global.size;
}
