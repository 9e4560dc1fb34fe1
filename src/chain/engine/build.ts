/**
 * Building the next generation of a chain that is a rootlet, and switching the hook to it: the first generation,
 * or one beside that which runs.
 */

import { given } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import {
  type AroundSwitch,
  type Generation,
  type GenerationOptions,
  openRootlet,
  type Replaced,
  Rootlet,
  type SlotBackEnd,
  saveFirst,
} from '../../dynamic/index.ts';
import {
  filterInterfaceHook,
  type Hook,
  hookFacts,
  type InterfaceHook,
  openHook,
  xdpInterfaceHook,
} from '../../hooks/index.ts';
import type { BpfProgram, XdpMode } from '../../kernel/index.ts';
import { hasSettings, type SettingsByOwner } from '../../state/index.ts';
import type { JsonObject, Store, StoreEntry } from '../../store/index.ts';
import type { ChainDesign, ChainHook } from '../model/index.ts';
import { fillAdopted } from './adopted.ts';
import type { ChainContext } from './context.ts';
import { REPLACED_FIELD } from './pinned-switch.ts';
import { type StaleChains, staleChains } from './stale.ts';
import type { GeneratedChain } from './static.ts';

/** How a generation is built and attached. */
export interface BuildRequest {
  readonly hook: ChainHook;
  readonly design: ChainDesign;
  readonly chain: GeneratedChain;
  readonly slotsVia: SlotBackEnd;
  /** Null: the kernel chooses. */
  readonly mode: XdpMode | null;
  readonly fresh: readonly string[];
  readonly load: Omit<GenerationOptions, 'globals' | 'maxEntries'>;
  readonly dryRun: boolean;
  readonly around?: AroundSwitch;
  /** Id of the dispatcher that is replaced; null where there is none. */
  readonly replaced?: number | null;
}

/** Settings of the members that have some. */
function settingsOf({ members }: ChainDesign): SettingsByOwner {
  return new Map(
    members.flatMap(({ name, settings }) => (hasSettings(settings) ? [[name, settings] as const] : [])),
  );
}

// --- the next generation ------------------------------------------------------------------------------------------

/** Changes the chain of an entry. Throws with the running generation untouched. */
export function changeRootlet(
  context: ChainContext,
  entry: StoreEntry,
  request: BuildRequest,
  expected: BpfProgram | null,
): Replaced {
  const { chain, slotsVia, fresh, dryRun } = request;
  using hook = hookOf(context, entry, request.hook, request.mode);
  using rootlet = openRootlet({
    store: context.store,
    entry,
    hook,
    program: hookFacts(entry).program,
    options: request.load,
    describe: generation => attachData(request, hook, generation),
    time: context.time,
    ...given({ around: request.around }),
  });
  const options = {
    fresh,
    settings: settingsOf(request.design),
    via: slotsVia,
    ...given({ expected: expected ?? undefined, optimize: request.design.optimize }),
  };
  return dryRun ? rootlet.plan(chain.change, options) : rootlet.change(chain.change, options);
}

/** Finishes or takes back what a killed process left of a change of the entry. */
export function settleRootlet(
  context: ChainContext,
  entry: StoreEntry,
  at: Pick<BuildRequest, 'hook' | 'mode'>,
): void {
  using hook = hookOf(context, entry, at.hook, at.mode);
  using _settled = openRootlet({
    store: context.store,
    entry,
    hook,
    program: hookFacts(entry).program,
    options: {},
    describe: generation => attachData(at, hook, generation),
    time: context.time,
  });
}

/**
 * The hook of an entry, where it is now: an interface may have been renamed, or moved to another network namespace,
 * since the record was written.
 */
export function hookOf(
  { sys, store }: ChainContext,
  entry: StoreEntry,
  at: ChainHook,
  mode: XdpMode | null,
): Hook {
  if (at.kind !== 'xdp') return openHook(store, entry);
  return xdpInterfaceHook(sys, at, mode, entry.record.programs).hook;
}

// --- the first one ------------------------------------------------------------------------------------------------

/**
 * Builds a chain where none is and attaches it. `expected`: the program that it replaces in the same step; null
 * where nothing may be attached.
 */
export function firstRootlet(
  context: ChainContext,
  request: BuildRequest,
  expected: BpfProgram | null,
): Replaced {
  const { chain, slotsVia, dryRun } = request;
  const { rootlet, ...slots } = chain.change;
  const options = {
    ...request.load,
    slots,
    program: slots.program,
    settings: settingsOf(request.design),
    via: slotsVia,
    dryRun,
    ...given({ optimize: request.design.optimize }),
  };
  const stale = staleChains(context, request.hook);
  const replaced = Rootlet.first(context.sys, rootlet, options, generation => {
    using _owned = generation;
    attachFirst(context, request, generation, { expected, stale });
  });
  return { ...replaced, notes: [...replaced.notes, ...stale.notes] };
}

function attachFirst(
  context: ChainContext,
  request: BuildRequest,
  generation: Generation,
  { expected, stale }: { readonly expected: BpfProgram | null; readonly stale: StaleChains },
): void {
  const { store, sys, time } = context;
  const [left, ...others] = stale.entries;
  const { hook: at, mode } = request;
  const place: InterfaceHook =
    at.direction === null
      ? xdpInterfaceHook(sys, at, mode, [])
      : filterInterfaceHook(sys, at, at.direction, generation.program, undefined);
  const { hook } = place;
  fillAdopted(sys, generation, request.design);
  const first = {
    store,
    hook,
    describe: () => attachData(request, hook, generation),
    time,
    name: left?.name ?? freeEntryName(store, at),
    forced: true,
  };
  try {
    const attach = () => place.attach(generation.program, expected);
    const { around } = request;
    saveFirst(first, generation, () => (around === undefined ? attach() : around(generation, attach)));
  } catch (error) {
    takeBack(hook, generation.program, expected);
    throw error;
  }
  for (const entry of others) store.remove(entry);
}

/** Also when attaching itself failed: the answer may be what was lost. The first error matters more. */
function takeBack(hook: Hook, program: BpfProgram, expected: BpfProgram | null): void {
  try {
    if (hook.occupantId() !== program.info().id) return;
    if (expected === null) hook.detach(program);
    else hook.update(expected, program);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
  }
}

/** What other commands read in the record of a hook. */
function attachData(
  { hook: at, mode, replaced }: Pick<BuildRequest, 'hook' | 'mode' | 'replaced'>,
  hook: Hook,
  generation: Generation,
): JsonObject {
  const { kind, direction, interface: target } = at;
  const words = given({ mode: mode ?? undefined, direction: direction ?? undefined });
  const attach = { kind, target, program: generation.main, place: hook.place, ...words };
  return { attach, [REPLACED_FIELD]: replaced ?? null };
}

/** `xdp-eth0`, `tc-eth0-ingress`; numbered where an entry of another hook has the name. */
function freeEntryName(store: Store, { kind, interface: target, direction }: ChainHook): string {
  const base = direction === null ? `${kind}-${target}` : `${kind}-${target}-${direction}`;
  let name = base;
  for (let number = 2; store.peek('hook', name) !== undefined; number++) name = `${base}-${number}`;
  return name;
}
