/** The functions of a provider in tail-call slots, from a new version of it. */

import { bugError } from '../../diag/index.ts';
import type { BpfProgram, Sys } from '../../kernel/index.ts';
import { duplicateMap } from '../../state/index.ts';
import { duplicateProgram } from '../generation/index.ts';
import { findExport, loadMember, type MemberOptions, type Provider, setSlot } from '../providers/index.ts';
import type { Changes } from './changes.ts';

/**
 * Gives `next` the arrays of `old`, and loads what goes into their entries. A removed function keeps its
 * entry with the old code: no checked consumer calls it.
 */
export function refillProvider(
  sys: Sys,
  old: Provider,
  next: Provider,
  options: MemberOptions,
  changes: Changes,
): void {
  for (const { kind, type, map, slots } of old.tail.arrays) {
    const array = {
      kind,
      type,
      map: duplicateMap(map),
      slots: [] as { function: string; program: BpfProgram }[],
    };
    next.tail.arrays.push(array);
    slots.forEach((slot, entry) => {
      const name = slot.function;
      const before = slot.program;
      if (findExport(next.object, name)?.kind !== 'function') {
        array.slots.push({ function: name, program: duplicateProgram(before) });
        return;
      }
      const program = loadMember(sys, next, name, { type }, options);
      array.slots.push({ function: name, program });
      changes.add({
        apply: () => setSlot(array.map, entry, program),
        revert: () => setSlot(map, entry, before),
      });
    });
  }
  if (next.tail.arrays.length < old.tail.arrays.length) throw bugError([old.name], 'an array was lost');
}
