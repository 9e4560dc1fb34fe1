/**
 * Global variables of an object by name: where they are, of which type, and values given for them before
 * loading.
 */

import { type Btf, encodeValue } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { available, counted, quote, usageError, within } from '../../diag/index.ts';
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
  const raw = isRaw(value, global) ? value : untypedBytes(value, global.size, order);
  if (raw === undefined) throw untypedMismatch(global.size);
  bytes.set(raw, global.offset);
}

/**
 * A whole number as the bytes of a variable without a type, of which only the size is known: signed or
 * unsigned, as long as it fits. Undefined for other values, and for sizes that no integer has.
 */
export function untypedBytes(value: unknown, size: number, order: ByteOrder): Uint8Array | undefined {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))
    return undefined;
  if (![1, 2, 4, 8].includes(size)) return undefined;
  const number = BigInt(value);
  const fits = number === BigInt.asIntN(size * 8, number) || number === BigInt.asUintN(size * 8, number);
  if (!fits) return undefined;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, number), order === 'little');
  return order === 'little' ? bytes.subarray(0, size) : bytes.subarray(8 - size);
}

function untypedMismatch(size: number): Error {
  const integer = [1, 2, 4, 8].includes(size) ? `a whole number of ${counted(size, 'byte')}, or ` : '';
  return usageError(
    'value-mismatch',
    `has no BTF, so its value is ${integer}exactly ${counted(size, 'byte')}`,
  );
}

/** Bytes of exactly the variable's size are taken as they are. */
function isRaw(value: unknown, global: GlobalPlan): value is Uint8Array {
  return value instanceof Uint8Array && value.length === global.size;
}
