/**
 * Removing an entry whose record cannot be read: its programs are known from its pins, and where they run from the
 * kernel. Separate from remove.ts, where the record has both.
 */

import { quoteAll } from '../../diag/index.ts';
import {
  type AttachedProgram,
  type BpfProgram,
  filtersOn,
  type Sys,
  surveyInterfaces,
  TcFilter,
} from '../../kernel/index.ts';
import { Cleanup } from '../../load/index.ts';
import type { BrokenEntry, Store } from '../../store/index.ts';
import { FilterHook, type Hook, InterfaceSpot, LinkHook, XdpHook } from '../kinds/index.ts';
import type { Removal } from './remove.ts';

/**
 * Detaches what its pins hold from links and from the interfaces of this network namespace, and removes the entry.
 * Throws what is thrown by that.
 */
export function removeBrokenHook(store: Store, entry: BrokenEntry): Removal {
  const { sys } = store;
  const cleanup = new Cleanup();
  try {
    const { programs, links } = store.openPins(entry);
    for (const one of [...programs, ...links]) cleanup.own(one);
    const places: string[] = [];
    store.remove(entry, () => {
      for (const link of links) if (new LinkHook(link).detach(null)) places.push(link.place);
      for (const { hook, program } of hooksOn(sys, programs)) {
        const { place } = hook;
        hook.detach(program);
        places.push(place);
      }
    });
    const why = 'its record cannot be read';
    if (places.length > 0) return { kind: 'ended', why: `${why}; its program was detached` };
    const ids = quoteAll(programs.map(({ name }) => name));
    const nowhere = programs.length === 0 ? '' : `, and no interface of this network namespace runs ${ids}`;
    return { kind: 'left', why: `${why}${nowhere}`, command: null };
  } finally {
    cleanup.undo();
  }
}

/** Hooks without links, which do not end with a pin. */
function hooksOn(
  sys: Sys,
  programs: readonly BpfProgram[],
): readonly { readonly hook: Hook; readonly program: BpfProgram }[] {
  const byId = new Map(programs.map(program => [program.info().id, program]));
  return surveyInterfaces(sys, { here: true }).attached.flatMap(at => {
    const program = byId.get(at.programId);
    return program === undefined ? [] : hooksAt(sys, at, program).map(hook => ({ hook, program }));
  });
}

function hooksAt(sys: Sys, at: AttachedProgram, program: BpfProgram): Hook[] {
  const spot = new InterfaceSpot(sys, at.ifindex, at.interface, at.netns.name);
  const own = [program.info()];
  if (at.hook === 'xdp') return [new XdpHook(sys, spot, at.mode, own)];
  const { direction } = at;
  if (at.hook === 'tcx' || direction === null) return [];
  return filtersOn(sys, at.ifindex, direction).flatMap(({ priority, handle, program: there }) => {
    if (there.id !== at.programId) return [];
    const options = { direction, name: program.name } as const;
    return [new FilterHook(sys, TcFilter.at(sys, at.ifindex, options, { priority, handle }), spot, own)];
  });
}
