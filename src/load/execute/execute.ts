/**
 * Carrying out a plan: types, maps, programs, in this order. Either all of it is there afterwards, or nothing
 * is.
 */

import { elementAt } from '../../bytes/index.ts';
import { inputError, quote, within } from '../../diag/index.ts';
import { type BpfMap, type BpfProgram, type Fd, HOST_ORDER, loadBtf, type Sys } from '../../kernel/index.ts';
import { globalsKind, typesRefusal } from '../../object/index.ts';
import type { LoadPlan, MapPlan } from '../plan/index.ts';
import { Cleanup } from './cleanup.ts';
import { LoadedObject } from './loaded-object.ts';
import { DEFAULT_PIN_ROOT } from './map-reuse.ts';
import { createMaps, type ObtainedMap, setProgramEntries } from './maps.ts';
import { type AttachTarget, loadPlanned } from './programs.ts';

/** Options of the execution of a plan. */
export interface ExecuteOptions {
  /** Log that a refused program comes with: 1 the failing path (default), 2 everything, 0 none. */
  readonly logLevel?: 0 | 1 | 2;
  /**
   * Programs that are accepted come with their log too (`BpfProgram.log`), which costs a second load of each.
   */
  readonly keepLog?: boolean;
  /**
   * Existing maps to use instead of new ones; ownership of what it returns goes to the loaded object.
   * @hidden
   */
  readonly reuse?: (map: MapPlan) => BpfMap | undefined;
  /**
   * Directory on a bpf file system for maps that ask to be pinned by name. Default `/sys/fs/bpf`. Null leaves
   * pins alone: every map is new and goes with the loaded object.
   */
  readonly pinRoot?: string | null;
  /**
   * What needs the types of all loaded programs afterwards: without types is an error then.
   * @internal
   */
  readonly typesFor?: string;
  /** Program name → program and function that it attaches to (freplace, tracing of programs). */
  readonly targets?: ReadonlyMap<string, AttachTarget>;
}

/** Executes the plan. On any failure everything created so far is closed. */
export function executeLoad(plan: LoadPlan, sys: Sys, options: ExecuteOptions = {}): LoadedObject {
  requireByteOrder(plan);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const btf = loadTypes(plan, sys);
    if (btf !== null) cleanup.own(btf);
    const obtained = createMaps({
      sys,
      plan,
      btf,
      cleanup,
      pinRoot: options.pinRoot === undefined ? DEFAULT_PIN_ROOT : options.pinRoot,
      reuse: options.reuse ?? (() => undefined),
    });
    const maps = obtained.map(({ map }) => map);
    const context = {
      sys,
      plan,
      maps,
      btf,
      logLevel: options.logLevel ?? 1,
      keepLog: options.keepLog ?? false,
      targets: options.targets ?? new Map<string, AttachTarget>(),
    };
    const programs = plan.programs.map(program => cleanup.own(loadPlanned(context, program)));
    bindConstants(plan, maps, programs);
    const byName = new Map(programs.map(program => [program.name, program]));
    plan.maps.forEach((mapPlan, index) => {
      const one = obtained[index];
      if (one?.origin === 'created') setProgramEntries(one.map, mapPlan, name => byName.get(name)?.fd.number);
    });
    const notes = [...plan.notes, ...untypedNotes(plan, obtained), ...keptNotes(plan, obtained)];
    return new LoadedObject(plan, byName, maps, btf, notes, () => {
      for (const { unpin } of obtained) unpin?.();
    });
  });
}

/** Maps whose types of key and value the kernel refuses: tools show their contents as bytes. */
function untypedNotes({ maps, types }: LoadPlan, obtained: readonly ObtainedMap[]): string[] {
  return maps.flatMap((map, index) => {
    if (obtained[index]?.untyped !== true) return [];
    const reason = types === null ? undefined : typesRefusal(map, types);
    const why = reason === undefined ? '' : `: ${reason}`;
    return [`map ${quote(map.name)} has no BTF types in the kernel, which refuses them${why}`];
  });
}

function loadTypes({ source, btf }: LoadPlan, sys: Sys): Fd | null {
  return btf === null ? null : within(source, () => loadBtf(sys, btf));
}

/** Static contents that were not written, since the map exists already and is used by others. */
function keptNotes(plan: LoadPlan, obtained: readonly ObtainedMap[]): string[] {
  return plan.maps.flatMap(({ name, initial }, index) => {
    if (initial.length === 0 || obtained[index]?.origin !== 'pinned') return [];
    const what = initial.length === 1 ? 'its static entry is' : `its ${initial.length} static entries are`;
    return [`map ${quote(name)} is pinned already: ${what} not written`];
  });
}

/**
 * Every program holds all constants of its object, used or not: other tools read metadata and configuration
 * there (`bpf_metadata_…`, libxdp's `_xdp_dispatcher` versions). Kernels before 5.10 cannot, which libbpf
 * ignores as well.
 */
function bindConstants(plan: LoadPlan, maps: readonly BpfMap[], programs: readonly BpfProgram[]): void {
  const constants = maps.filter((_, index) => globalsKind(elementAt(plan.maps, index).name) === 'rodata');
  for (const program of programs) for (const map of constants) program.tryBindMap(map.fd.number);
}

/** Throws `load-byte-order` for code of the other byte order. */
export function requireByteOrder(plan: Pick<LoadPlan, 'byteOrder' | 'source'>): void {
  if (plan.byteOrder === HOST_ORDER) return;
  throw inputError(
    'load-byte-order',
    [plan.source],
    `is for ${plan.byteOrder}-endian machines; this one is ${HOST_ORDER}-endian`,
    { hint: `compile with -target bpf${HOST_ORDER === 'little' ? 'el' : 'eb'}` },
  );
}
