/**
 * Programs in slots as functions: what becomes of an object whose programs fill slots.
 *
 * A program leaves its section for `.text`. It becomes hidden where the slot is, and where the kernel can
 * verify it only together with its caller.
 */

import { elementAt } from '../../bytes/index.ts';
import type { BpfObject, SymbolIndex, Visibility } from '../../object/index.ts';
import { withTextSection } from '../passes/index.ts';
import { symbolAt } from '../resolve/index.ts';
import { needsCaller } from './slot-fit.ts';
import type { Plug } from './slots.ts';

/** The objects with the programs that fill slots as functions. */
export function demotePlugged(objects: readonly BpfObject[], plugs: readonly Plug[]): BpfObject[] {
  return objects.map((object, file) => demotePrograms(object, programsIn(plugs, file, objects)));
}

/** Programs of an input that go into slots, and their visibility there. */
function programsIn(
  plugs: readonly Plug[],
  file: number,
  objects: readonly BpfObject[],
): Map<SymbolIndex, Visibility> {
  const mine = plugs.filter(plug => plug.program.file === file);
  const programs = new Map<SymbolIndex, Visibility>(mine.map(plug => [plug.program.index, 'default']));
  for (const { slot, program } of mine) {
    const [own, other] = [symbolAt(objects, slot), symbolAt(objects, program)];
    const [rootlet, component] = [elementAt(objects, slot.file), elementAt(objects, file)];
    if (own.kind !== 'function' || other.kind !== 'function') continue;
    if (own.visibility === 'hidden' || needsCaller(rootlet, own, component, other))
      programs.set(program.index, 'hidden');
  }
  return programs;
}

function demotePrograms(object: BpfObject, programs: ReadonlyMap<SymbolIndex, Visibility>): BpfObject {
  if (programs.size === 0) return object;
  const { sections, text } = withTextSection(object);
  const symbols = object.symbols.map((symbol, index) => {
    const seen = programs.get(index);
    if (seen === undefined || symbol.kind !== 'function') return symbol;
    return { ...symbol, section: text, visibility: seen === 'hidden' ? seen : symbol.visibility };
  });
  return { ...object, sections, symbols };
}
