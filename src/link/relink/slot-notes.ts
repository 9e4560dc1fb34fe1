/**
 * Notes on programs in slots: what could not be checked, and what they lose there. Separate from the rules of
 * fitting, since nothing is refused here; re-linking in the kernel reports the same.
 */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { type BpfObject, type FunctionSymbol, runConfigOf } from '../../object/index.ts';
import { symbolAt } from '../resolve/index.ts';
import { lostFragments, unknownFit } from './slot-fit.ts';
import type { Plug } from './slots.ts';

/** The notes on one program, which is of the type that its place requires; objects as their files have them. */
export function slotNotes(
  rootlet: BpfObject,
  slot: FunctionSymbol,
  component: BpfObject,
  program: FunctionSymbol,
): string[] {
  const notes = [
    unknownFit(rootlet, slot, component, program),
    unusedConfig(component, program),
    lostFragments(rootlet, component, program),
  ];
  return notes.filter(note => note !== undefined);
}

/** The notes on all programs of a re-link. */
export function pluggedNotes(files: readonly BpfObject[], plugs: readonly Plug[]): string[] {
  return plugs.flatMap(({ slot, program }) => {
    const [own, other] = [symbolAt(files, slot), symbolAt(files, program)];
    if (own.kind !== 'function' || other.kind !== 'function') return [];
    return slotNotes(elementAt(files, slot.file), own, elementAt(files, program.file), other);
  });
}

/** A run configuration of libxdp: the rootlet decides which verdicts continue. */
function unusedConfig(component: BpfObject, program: FunctionSymbol): string | undefined {
  if (runConfigOf(component, program) === undefined) return undefined;
  return `.xdp_run_config of ${quote(program.name)} of ${component.name} is not used: the rootlet decides`;
}
