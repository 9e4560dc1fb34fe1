/**
 * Putting a generation together: what was loaded for it, what goes over from the running one, and what is
 * copied.
 */

import type { BpfMap, BpfProgram } from '../../kernel/index.ts';
import type { Cleanup } from '../../load/index.ts';
import { duplicateMap, mapKey, StateTransfer, type StoredState } from '../../state/index.ts';
import {
  type BuildContext,
  type Design,
  duplicateProgram,
  Generation,
  type GenerationParts,
} from '../generation/index.ts';
import { decisionsOf, droppedMaps, keptStates } from './kept.ts';
import type { LoadedPart, PlannedPart } from './part.ts';
import { qualifiedName, settingsKey } from './settings.ts';

/** Parts of a generation before anything is loaded. */
export interface PlannedGeneration {
  readonly parts: readonly PlannedPart[];
  /** Programs of the running generation that go over, and what they are called in the next one. */
  readonly taken: ReadonlyMap<string, BpfProgram>;
}

export interface Assembly extends Pick<GenerationParts, 'via' | 'main'> {
  readonly parts: readonly LoadedPart[];
  /** Has the main program; undefined where the running program stays. */
  readonly host?: LoadedPart | undefined;
  readonly taken: ReadonlyMap<string, BpfProgram>;
  readonly links?: GenerationParts['links'];
}

/** A generation of what was loaded, and of what goes over from the running one. */
export function assemble(
  context: BuildContext,
  design: Design,
  cleanup: Cleanup,
  assembly: Assembly,
): Generation {
  const { via, main, parts, host, links = new Map() } = assembly;
  const all = host === undefined ? parts : [host, ...parts];
  const programs = new Map<string, BpfProgram>();
  for (const { loaded, request } of all)
    for (const [name, program] of loaded.programs) programs.set(request.keyOf(name), program);
  for (const [key, program] of assembly.taken) programs.set(key, cleanup.own(duplicateProgram(program)));
  const kept = [...keptStates(context, design, all, via)].map(([key, { state, map }]) => {
    return [key, { state, map: cleanup.own(duplicateMap(map)) }] as const;
  });
  const { maps, states } = collectStates([...all.flatMap(part => [...part.states]), ...kept]);
  const used = new Set(maps.values());
  for (const [, { map }] of kept) if (!used.has(map)) map.close();
  return new Generation({
    via,
    design,
    entry: context.main,
    main,
    programs,
    maps,
    states,
    settings: context.settings,
    links,
    decisions: decisionsOf(context, design, all, via),
    dropped: droppedMaps(context, design, all, via),
    transfer: transferOf(context, all, programs, maps),
    setGiven: givenWriter(context, all),
    host: host?.loaded,
    optimize: context.optimize,
    optimized: host?.loaded.plan.optimized,
    loaded: parts.map(({ loaded }) => loaded),
  });
}

type StateEntry = readonly [key: string, one: { readonly state: StoredState; readonly map: BpfMap }];

/** Current versions first: an outgoing version that shares a map with them has no entry of its own. */
function collectStates(entries: readonly StateEntry[]) {
  const maps = new Map<string, BpfMap>();
  const states = new Map<string, StoredState>();
  const isOutgoing = ([, { state }]: StateEntry): boolean => state.version !== undefined;
  for (const [key, { state, map }] of [
    ...entries.filter(one => !isOutgoing(one)),
    ...entries.filter(isOutgoing),
  ]) {
    const current = maps.get(mapKey({ owner: state.owner, name: state.name }));
    if (state.version !== undefined && current?.info().id === map.info().id) continue;
    maps.set(key, map);
    states.set(key, state);
  }
  return { maps, states };
}

/**
 * Copies values, and gives arrays of this generation what was put into those of the running one at run time.
 */
function transferOf(
  context: BuildContext,
  parts: readonly LoadedPart[],
  programs: ReadonlyMap<string, BpfProgram>,
  maps: ReadonlyMap<string, BpfMap>,
): StateTransfer {
  const transfer = new StateTransfer();
  const { old, adopted } = context;
  if (old === undefined) return transfer;
  const heirs = new Map([...adopted].map(([heir, before]) => [before, heir]));
  const nextKey = (key: string): string => {
    const colon = key.indexOf(':');
    const owner = key.slice(0, Math.max(colon, 0)).replace(/@\d+$/, '');
    return colon < 0 ? key : `${heirs.get(owner) ?? owner}${key.slice(colon)}`;
  };
  const own = new Map<number, number | null>();
  for (const [key, program] of old.programs)
    own.set(program.info().id, (programs.get(key) ?? programs.get(nextKey(key)))?.fd.number ?? null);
  for (const [key, map] of old.maps)
    own.set(map.info().id, (maps.get(key) ?? maps.get(nextKey(key)))?.fd.number ?? null);
  for (const { loaded, decisions } of parts) transfer.add(loaded, decisions, { of: id => own.get(id) });
  return transfer;
}

/**
 * Values that the change gives, for maps that are reused. They are written only after the switch: the running
 * generation uses these maps. A function of its own, and found now: a generation that holds on to the context of its
 * build keeps the one before, and so every earlier one.
 */
function givenWriter({ given }: BuildContext, parts: readonly LoadedPart[]): () => void {
  const writes = parts.flatMap(part => givenWrites(given, part));
  return () => {
    for (const { variables, name, value } of writes) variables.set(name, value);
  };
}

function givenWrites(given: BuildContext['given'], { loaded, request, decisions }: LoadedPart) {
  const { variables, plan } = loaded;
  return request.members.flatMap(member =>
    [...(given.get(settingsKey(member))?.globals ?? [])].flatMap(([name, value]) => {
      const qualified = qualifiedName(member, name);
      const section = qualified?.slice(0, qualified.lastIndexOf(':'));
      const global = plan.globals.find(one => `${one.section}:${one.name}` === qualified);
      const reused = decisions.get(section ?? '')?.decision.kind === 'reuse';
      const isWritten = qualified !== undefined && reused && global?.constant === false;
      return isWritten ? [{ variables, name: qualified, value }] : [];
    }),
  );
}
