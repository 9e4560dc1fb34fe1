/**
 * Objects without DATASEC types.
 *
 * A DATASEC says where variables lie, which for atoms is only known when they are written. Compilers put them
 * anywhere among the types; taking them out renumbers the rest.
 */

import { type Btf, mergeBtf } from '../../btf/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { BpfObject, BpfSymbol } from '../model/index.ts';

/** The same object with no DATASEC among its types; the object itself when it has none. */
export function stripDataSections(object: BpfObject): BpfObject {
  if (object.btf === null || !hasDataSections(object.btf)) return object;
  const merged = mergeBtf([{ btf: object.btf }]);
  const ids = merged.ids[0] ?? new Uint32Array(0);
  return { ...object, btf: merged.btf, symbols: object.symbols.map(symbol => renumberTypes(symbol, ids)) };
}

function hasDataSections(btf: Btf): boolean {
  for (let id = 1; id <= btf.count; id++) if (btf.kindOf(id) === BTF_KIND.DATASEC) return true;
  return false;
}

/** The symbol with every BTF id mapped through `ids`. */
export function renumberTypes(symbol: BpfSymbol, ids: Uint32Array): BpfSymbol {
  const btfId = ids[symbol.btfId] ?? 0;
  if (symbol.kind !== 'function' || symbol.coreRecords.length === 0) return { ...symbol, btfId };
  const coreRecords = symbol.coreRecords.map(record => ({ ...record, type: ids[record.type] ?? 0 }));
  return { ...symbol, btfId, coreRecords };
}
