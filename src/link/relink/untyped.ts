/**
 * Components without BTF.
 *
 * Whether their programs fit a slot cannot be compared, which a note reports. They get the type of a program where
 * that is what the slot is declared as; elsewhere the kernel verifies them where they are called.
 */

import { elementAt } from '../../bytes/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  hasFunctionTypes,
  type SymbolIndex,
  withEntryTypes,
} from '../../object/index.ts';
import { symbolAt } from '../resolve/index.ts';
import { slotProblem } from './slot-fit.ts';
import type { Plug } from './slots.ts';

/**
 * The objects with types for programs that fill slots and have none. `files[0]` is the rootlet. `entries`: as
 * in `slotProblem()`. Where no function has a type, nothing gets one.
 */
export function typePlugged(
  files: readonly BpfObject[],
  plugs: readonly Plug[],
  entries: boolean,
): readonly BpfObject[] {
  if (!files.some(hasFunctionTypes)) return files;
  return files.map((object, file) => {
    const mine = plugs.filter(({ program }) => program.file === file);
    if (mine.length === 0 || !mine.some(plug => programOf(files, plug)?.btfId === 0)) return object;
    return typePrograms(files, mine, object, entries);
  });
}

function typePrograms(
  files: readonly BpfObject[],
  plugs: readonly Plug[],
  object: BpfObject,
  entries: boolean,
): BpfObject {
  const typed = withEntryTypes(object);
  const misfits = new Set<SymbolIndex>();
  for (const { slot, program } of plugs) {
    const [own, other] = [symbolAt(files, slot), typed.symbols[program.index]];
    if (own.kind !== 'function' || other?.kind !== 'function') continue;
    if (slotProblem(elementAt(files, slot.file), own, typed, other, entries) !== null)
      misfits.add(program.index);
  }
  return withEntryTypes(object, index => !misfits.has(index));
}

function programOf(files: readonly BpfObject[], { program }: Plug): FunctionSymbol | undefined {
  const symbol = symbolAt(files, program);
  return symbol.kind === 'function' ? symbol : undefined;
}
