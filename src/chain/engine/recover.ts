/**
 * Recovery after a killed first load: the generation in the store does not count, and the pins of its dispatcher are in
 * the directory of libxdp, where no record names them once the generation is removed.
 */

import { hasGeneratedRootlet, recoverLeft } from '../../dynamic/index.ts';
import { type Survey, type Sys, surveyInterfaces } from '../../kernel/index.ts';
import { fieldsOf, type Store, type StoreEntry } from '../../store/index.ts';
import { LibxdpPins, libxdpDirectory } from '../libxdp/index.ts';
import { dispatchersOf } from './pinned-switch.ts';

/** Where the pins are and what is attached; tests have their own. */
export interface RecoveryPlaces {
  readonly libxdp?: string;
  readonly survey?: (sys: Sys) => Survey;
}

/**
 * As `recoverLeft`, for `StoreOptions.hasHappened`. Pins of a dispatcher that such a generation made and that is attached
 * nowhere are removed with it. Throws `kernel-lock-busy` while another tool changes pins: the next command tries again.
 */
export function recoverChains(left: StoreEntry, store: Store): boolean {
  const happened = recoverLeft(left, store);
  if (!happened) removeLeftPins(store.sys, left);
  return happened;
}

/** Removes the pins of dispatchers of a generation that does not count; those that are attached anywhere stay. */
export function removeLeftPins(sys: Sys, left: StoreEntry, places: RecoveryPlaces = {}): void {
  const { libxdp = libxdpDirectory(), survey = surveyInterfaces } = places;
  const ifindex = dispatcherInterface(left);
  if (ifindex === undefined) return;
  using pins = LibxdpPins.findMounted(sys, libxdp);
  pins?.locked(() => {
    const there = dispatchersOf(left).filter(programId => pins.read({ ifindex, programId }) !== undefined);
    if (there.length === 0) return;
    const { attached, gaps } = survey(sys);
    if (gaps.length > 0) return; // `xdp clean` says what could not be looked at
    for (const programId of there)
      if (!attached.some(one => one.programId === programId)) pins.remove({ ifindex, programId });
  }, 0);
}

/** Interface number of an entry whose chain is a dispatcher. */
function dispatcherInterface(left: StoreEntry): number | undefined {
  if (left.kind !== 'hook' || !hasGeneratedRootlet(left)) return undefined;
  const { ifindex } = fieldsOf(left.record.data['xdp']);
  return typeof ifindex === 'number' ? ifindex : undefined;
}
