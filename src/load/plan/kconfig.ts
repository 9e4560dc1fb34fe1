/**
 * The map of kconfig externs: one read-only value that holds all of them.
 *
 * Order as in libbpf (alignment descending, size, name), so that the same object has the same layout in both
 * loaders.
 */

import { type Btf, type BtfDataSec, type BtfId, sizeOfType, skipModifiers } from '../../btf/index.ts';
import { alignUp, valueAt } from '../../bytes/index.ts';
import { type Limits, RootletError } from '../../diag/index.ts';
import { type BpfObject, type ExternSymbol, kconfigTooLarge, type SymbolIndex } from '../../object/index.ts';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY } from '../../uapi/index.ts';
import type { ExternBindings } from '../externs/index.ts';
import { dataMapName } from './names.ts';
import type { MapPlan } from './plan.ts';

export const KCONFIG = '.kconfig';

export interface KconfigLayout {
  /** Extern → offset in the value of the map. */
  readonly offsets: ReadonlyMap<SymbolIndex, number>;
  readonly contents: Uint8Array;
  readonly dataSection: BtfDataSec;
}

interface Entry {
  readonly index: SymbolIndex;
  readonly symbol: ExternSymbol;
  readonly size: number;
  readonly align: number;
}

/** Lays out the bound kconfig externs; null when there are none. Throws `load-kconfig-value`. */
export function layoutKconfig(
  object: BpfObject,
  btf: Btf,
  bindings: ExternBindings,
  limits?: Limits,
): KconfigLayout | null {
  const entries = kconfigExterns(object, btf);
  if (entries.length === 0) return null;
  const tooLarge = kconfigTooLarge(
    object.name,
    entries.map(({ symbol, size }) => ({ name: symbol.name, size })),
    limits,
  );
  if (tooLarge !== undefined) throw new RootletError([tooLarge]);
  entries.sort((a, b) => b.align - a.align || a.size - b.size || (a.symbol.name < b.symbol.name ? -1 : 1));
  const offsets = new Map<SymbolIndex, number>();
  let size = 0;
  for (const entry of entries) {
    const offset = alignUp(size, entry.align);
    offsets.set(entry.index, offset);
    size = offset + entry.size;
  }
  const contents = new Uint8Array(size);
  for (const { index } of entries) {
    const binding = bindings.get(index);
    if (binding?.kind === 'kconfig') contents.set(binding.value, valueAt(offsets, index));
  }
  const vars = entries.map(({ index, symbol, size: bytes }) => ({
    type: symbol.btfId,
    offset: valueAt(offsets, index),
    size: bytes,
  }));
  return { offsets, contents, dataSection: { kind: 'datasec', name: KCONFIG, size, vars } };
}

function kconfigExterns(object: BpfObject, btf: Btf): Entry[] {
  return object.symbols.flatMap((symbol, index) => {
    if (symbol.kind !== 'extern' || symbol.section !== KCONFIG) return [];
    const variable = btf.type(symbol.btfId);
    if (variable.kind !== 'var') return [];
    return [{ index, symbol, size: sizeOfType(btf, variable.type), align: alignOf(btf, variable.type) }];
  });
}

/** kconfig values are scalars or arrays of char. */
function alignOf(btf: Btf, type: BtfId): number {
  const id = skipModifiers(btf, type);
  const known = btf.type(id);
  if (known.kind === 'array') return alignOf(btf, known.element);
  return Math.min(8, sizeOfType(btf, id));
}

/** The map itself; libbpf calls it `<object>.kconfig`. */
export function kconfigMap(layout: KconfigLayout, objectName: string, valueType: BtfId): MapPlan {
  return {
    name: KCONFIG,
    kernelName: dataMapName(objectName, KCONFIG),
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: layout.contents.length,
    maxEntries: 1,
    flags: BPF_F_RDONLY_PROG + BPF_F_MMAPABLE,
    mapExtra: 0n,
    numaNode: 0,
    keyType: 0,
    valueType,
    typed: valueType !== 0,
    contents: layout.contents,
    frozen: true,
    pinning: 0,
    inner: null,
    initial: [],
  };
}
