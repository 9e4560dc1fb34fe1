/**
 * Switching to a dispatcher of libxdp: its pins are made before the switch and those of the old one removed after it,
 * while no other tool changes pins. Whoever is killed in between leaves a directory of a dispatcher that does not run;
 * the record names it, and the next change removes it.
 */

import { bugError, platformError, RootletError } from '../../diag/index.ts';
import { type AroundSwitch, afterSwitch, type Generation, guestsOf } from '../../dynamic/index.ts';
import type { Sys } from '../../kernel/index.ts';
import type { StoreEntry } from '../../store/index.ts';
import { DISPATCHER_PROGRAM, LibxdpPins, type SlotPins, slotName } from '../libxdp/index.ts';
import type { ChainHook } from '../model/index.ts';
import { spellHook, xdpOccupants } from './hooks.ts';

/** Field of a record: the dispatcher that its last change replaced. */
export const REPLACED_FIELD = 'replacedDispatcher';

/**
 * Runs `body`, which switches the hook from `expected` to a dispatcher, under the lock of libxdp. Throws
 * `hook-changed` where another tool was faster.
 */
export function withPins<T>(
  sys: Sys,
  hook: ChainHook,
  { expected, entry }: { readonly expected: number | null; readonly entry: StoreEntry | undefined },
  body: (around: AroundSwitch) => T,
): T {
  using pins = LibxdpPins.make(sys);
  return pins.locked(() => {
    requireExpected(sys, hook, expected);
    removeStale(pins, hook, expected, entry);
    const result = body((next, step) => pinnedStep(sys, pins, hook, { next, step }));
    if (expected !== null)
      afterSwitch(spellHook(hook), () => pins.remove({ ifindex: hook.ifindex, programId: expected }));
    return result;
  });
}

/** Removes the pins of a dispatcher that was detached; those of killed processes as well. */
export function removePins(sys: Sys, hook: ChainHook, detached: number, entry: StoreEntry | undefined): void {
  using pins = LibxdpPins.find(sys);
  if (pins === undefined) return;
  pins.locked(() => {
    pins.remove({ ifindex: hook.ifindex, programId: detached });
    removeStale(pins, hook, occupantOf(sys, hook), entry);
  });
}

function occupantOf(sys: Sys, hook: ChainHook): number | null {
  const [occupant] = xdpOccupants(sys, hook);
  return occupant === undefined ? null : occupant.id;
}

function requireExpected(sys: Sys, hook: ChainHook, expected: number | null): void {
  if (occupantOf(sys, hook) === expected) return;
  throw platformError('hook-changed', [spellHook(hook)], 'another process changed the program meanwhile', {
    hint: 'try again',
  });
}

/** Directories that the record names as its own and whose dispatcher does not run. */
function removeStale(
  pins: LibxdpPins,
  { ifindex }: ChainHook,
  running: number | null,
  entry: StoreEntry | undefined,
): void {
  for (const programId of dispatchersOf(entry))
    if (programId !== running) pins.remove({ ifindex, programId });
}

/** Ids of the dispatchers that a record names: its own, and the one that they replaced. */
export function dispatchersOf(entry: StoreEntry | undefined): number[] {
  if (entry === undefined) return [];
  const { programs, data } = entry.record;
  const { [REPLACED_FIELD]: replaced } = data;
  const own = programs.filter(({ name }) => name.endsWith(DISPATCHER_PROGRAM)).map(({ id }) => id);
  return typeof replaced === 'number' ? [...own, replaced] : own;
}

function pinnedStep(
  sys: Sys,
  pins: LibxdpPins,
  hook: ChainHook,
  { next, step }: { readonly next: Generation; readonly step: () => void },
): void {
  const programId = next.program.info().id;
  const name = { ifindex: hook.ifindex, programId };
  pins.create(name, slotPins(next));
  try {
    step();
  } catch (error) {
    if (error instanceof RootletError && occupantOf(sys, hook) !== programId) pins.remove(name);
    throw error;
  }
}

/** By slots; a single member has replaced the dispatcher's own function. */
function slotPins({ design, links, programs }: Generation): SlotPins[] {
  const { fills, generated } = design;
  const all = [...fills, ...guestsOf(generated)];
  return all.map((_, at) => {
    const slot = all.length === 1 ? DISPATCHER_PROGRAM : slotName(at);
    const link = links.get(`slot:${slot}`);
    const owner = all.find(one => one.slot === slot);
    const program = owner === undefined ? undefined : programs.get(`${owner.component}:${owner.program}`);
    if (link === undefined || program === undefined) throw bugError([slot], 'a slot without a link');
    return { link, program };
  });
}
