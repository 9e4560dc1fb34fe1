/** DATASECs of what has a place, as they are loaded; those of files are written by `types.kernel.ts`. */

import type { BtfDataSec, BtfSecVar } from '../../btf/index.ts';
import { type BpfObject, sectionAt, sizeOfSymbol, symbolOf } from '../model/index.ts';
import type { ObjectLayout, SectionLayout } from './layout.ts';

/** One DATASEC for each section with described variables, in order of sections; externs have no place. */
export function dataSectionsOf(object: BpfObject, layout: ObjectLayout): readonly BtfDataSec[] {
  return layout.sections.flatMap((placed): BtfDataSec[] => {
    const vars = variablesOf(object, placed);
    const { name } = sectionAt(object, placed.section);
    return vars.length === 0 ? [] : [{ kind: 'datasec', name, size: placed.size, vars }];
  });
}

function variablesOf(object: BpfObject, placed: SectionLayout): readonly BtfSecVar[] {
  return placed.atoms.flatMap(({ symbol: index, offset }): BtfSecVar[] => {
    const symbol = symbolOf(object, index);
    if (symbol.kind === 'function' || symbol.btfId === 0) return [];
    return [{ type: symbol.btfId, offset, size: sizeOfSymbol(symbol) }];
  });
}
