/**
 * DATASEC types, regenerated from where atoms are.
 *
 * One DATASEC for each section with described variables, entries in order of offset, the section's real size;
 * and one of size 0 for each section that only lists externs (`.ksyms`, `.kconfig`, an extern-only `.maps`).
 * Entries of externs in a section that also has definitions come last, at offset 0, as compilers write them.
 */

import {
  appendDataSections,
  type Btf,
  type BtfDataSec,
  type BtfId,
  type BtfSecVar,
  sizeOfType,
} from '../../btf/index.ts';
import { type ObjectLayout, sizeOfSymbol } from './layout.ts';
import type { BpfObject } from './model.ts';
import { sectionAt, symbolOf } from './model.ts';

/** `btf` (the object's own, without DATASECs) with its DATASECs added at the end, in section order. */
export function withDataSections(object: BpfObject, btf: Btf, layout: ObjectLayout): Btf {
  return appendDataSections(btf, dataSectionsOf(object, btf, layout));
}

export function dataSectionsOf(object: BpfObject, btf: Btf, layout: ObjectLayout): readonly BtfDataSec[] {
  const externs = externsBySection(object, btf);
  const sections: BtfDataSec[] = [];
  for (const placed of layout.sections) {
    const { name } = sectionAt(object, placed.section);
    const defined: BtfSecVar[] = [];
    for (const { symbol: index, offset } of placed.atoms) {
      const symbol = symbolOf(object, index);
      if (symbol.kind === 'function' || symbol.btfId === 0) continue;
      defined.push({ type: symbol.btfId, offset, size: sizeOfSymbol(symbol) });
    }
    const vars = defined.concat(externs.get(name) ?? []);
    externs.delete(name);
    if (vars.length > 0) sections.push({ kind: 'datasec', name, size: placed.size, vars });
  }
  for (const [name, vars] of externs) sections.push({ kind: 'datasec', name, size: 0, vars });
  return sections;
}

/** In order of first appearance; functions in `.ksyms` have no size. */
function externsBySection(object: BpfObject, btf: Btf): Map<string, BtfSecVar[]> {
  const groups = new Map<string, BtfSecVar[]>();
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'extern' || symbol.section === null || symbol.btfId === 0) continue;
    const entry = { type: symbol.btfId, offset: 0, size: variableSize(btf, symbol.btfId) };
    const group = groups.get(symbol.section);
    if (group === undefined) groups.set(symbol.section, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** Bytes of a VAR; 0 for functions, and for declarations without a size. */
export function variableSize(btf: Btf, id: BtfId): number {
  const type = btf.type(id);
  if (type.kind !== 'var') return 0;
  return isSized(btf, type.type) ? sizeOfType(btf, type.type) : 0;
}

/** Kernel symbols may be declared `const void`, which has no size. */
function isSized(btf: Btf, id: BtfId): boolean {
  let current = id;
  for (let step = 0; step < 64 && current !== 0; step++) {
    const type = btf.type(current);
    if (type.kind === 'fwd' || type.kind === 'func_proto') return false;
    if (type.kind === 'array') current = type.element;
    else if ('type' in type && type.kind !== 'ptr') current = type.type;
    else return true;
  }
  return false;
}
