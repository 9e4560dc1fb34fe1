/** What re-linking in the kernel reports of a program that it puts into a slot: the notes of `relink`. */

import { adoptionNote, slotNotes } from '../../link/index.ts';
import type { BpfObject } from '../../object/index.ts';
import type { SlotFill } from '../generation/index.ts';
import { type Host, isInstead, pairOf } from './pair.ts';

/** `component`: as its file has it. Nothing of what does not fit, which is a problem. */
export function fitNotesOf(host: Host, component: BpfObject, fill: SlotFill): string[] {
  const pair = pairOf(host, component, fill);
  if (!pair.ok) return [];
  const { slot, programIndex } = pair.value;
  const program = component.symbols[programIndex];
  if (program?.kind !== 'function') return [];
  const adopted = adoptionNote(host.rootlet, component, program);
  const others = isInstead(pair.value) ? [] : slotNotes(host.rootlet, slot, component, program);
  return adopted === undefined ? others : [adopted, ...others];
}
