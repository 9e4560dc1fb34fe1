/** Exchanging the program of an attachment: what is kept of the old one, and the one step on the hook. */

import { compareTypes, parseBtf } from '../src/btf/index.ts';
import { platformError, quote, RootletError, usageError } from '../src/diag/index.ts';
import { EINVAL } from '../src/kernel/errno.ts';
import { openById, readBtfBytes } from '../src/kernel/info.ts';
import type { BpfMap } from '../src/kernel/map.ts';
import type { BpfProgram } from '../src/kernel/program.ts';
import type { Sys } from '../src/kernel/sys.ts';
import { TcFilter } from '../src/kernel/tc.ts';
import { HOST_ORDER } from '../src/kernel/uapi.ts';
import { type LoadPlan, type MapPlan, shapeDifferences } from '../src/load/index.ts';
import type { Store, StoreEntry } from '../src/store/index.ts';
import type { Lasting } from './attaching.ts';
import { fieldsOf } from './json-fields.ts';

/** What became of a map of the old generation. */
export interface KeptMap {
  readonly name: string;
  readonly kept: boolean;
  /** Why not; '' when it was kept. */
  readonly why: string;
}

/** Chooses the maps that a new generation takes over: those of equal name and definition. Constants are always new. */
export class StateKeeper {
  readonly #store: Store;
  readonly #entry: StoreEntry;
  readonly #plan: LoadPlan;
  readonly results: KeptMap[] = [];

  constructor(store: Store, entry: StoreEntry, plan: LoadPlan) {
    this.#store = store;
    this.#entry = entry;
    this.#plan = plan;
  }

  /** The old map for a planned one; undefined when there is none, or it is another one. */
  reuse(plan: MapPlan): BpfMap | undefined {
    const known = this.#entry.record.maps.some(({ name }) => name === plan.name);
    if (!known || plan.frozen || plan.operations !== undefined || plan.name === '.kconfig') return undefined;
    const map = this.#store.openMap(this.#entry, plan.name);
    const why = this.#difference(map, plan);
    this.results.push({ name: plan.name, kept: why === '', why });
    if (why === '') return map;
    map.close();
    return undefined;
  }

  #difference(map: BpfMap, plan: MapPlan): string {
    const [shape] = shapeDifferences(map, plan);
    if (shape !== undefined) return shape;
    if (!plan.name.startsWith('.')) return typeDifference(this.#store.sys, map, plan, this.#plan);
    const { variables: laidOut } = this.#entry.record.data;
    const old = fieldsOf(laidOut)[plan.name] ?? [];
    const variables = this.#plan.globals.filter(({ section }) => section === plan.name);
    const layout = variables.map(({ name, offset, size }) => [name, offset, size]);
    return JSON.stringify(old) === JSON.stringify(layout) ? '' : 'its variables are others, or lie elsewhere';
  }
}

/** In words; '' when keys and values have the same types, or their types are not known. */
function typeDifference(sys: Sys, map: BpfMap, plan: MapPlan, { types }: LoadPlan): string {
  const info = map.info();
  if (types === null || info.btfId === 0 || plan.keyType === 0) return '';
  const fd = openById(sys, 'btf', info.btfId);
  if (fd === undefined) return '';
  try {
    const old = parseBtf(readBtfBytes(sys, fd.number), HOST_ORDER);
    for (const [what, before, after] of [
      ['key', info.keyTypeId, plan.keyType],
      ['value', info.valueTypeId, plan.valueType],
    ] as const) {
      const mismatch =
        before === 0 || after === 0 ? null : compareTypes(old, before, types, after, { strict: true });
      if (mismatch !== null) return `${what}: ${mismatch.left} became ${mismatch.right}`;
    }
    return '';
  } finally {
    fd.close();
  }
}

/** Kinds of kernel links that can change their program: cgroup, iter, netns, XDP, tcx, netkit, sockmap, struct_ops. */
const CHANGEABLE: ReadonlySet<number> = new Set([3, 4, 5, 6, 9, 11, 13, 14]);

/** Throws `attach-no-update` where the kernel cannot exchange the program in one step. */
export function requireUpdatable(hook: Lasting, name: string): void {
  if (hook instanceof TcFilter || CHANGEABLE.has(hook.info().type)) return;
  throw usageError(
    'attach-no-update',
    `${hook.place}: the kernel cannot exchange the program here in one step`,
    {
      hint: `detach it and attach the new one, with a gap between: rootlet detach ${name}, rootlet attach …`,
    },
  );
}

/** Puts `next` in the place of `expected`; null does not care what is there. */
export function exchange(hook: Lasting, next: BpfProgram, expected: BpfProgram | null): void {
  if (hook instanceof TcFilter) {
    requireFilter(hook, expected);
    hook.update(next.fd.number);
    return;
  }
  try {
    hook.update(next.fd.number, expected?.fd.number);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    if (error.code === 'kernel-attachment-changed')
      throw changed(hook.place, hook.info().programId, expected);
    const [problem] = error.problems;
    if (problem?.errno !== EINVAL) throw error;
    throw new RootletError([{ ...problem, hint: OTHER_TYPE_HINT }]);
  }
}

/** The kernel replaces whatever is there; asking first leaves a moment in between. */
function requireFilter(hook: TcFilter, expected: BpfProgram | null): void {
  const running = hook.programId();
  if (running === undefined) {
    throw platformError('attach-gone', [hook.place], 'the filter is gone: somebody removed it', {
      hint: 'rootlet detach lets go of what is left; then attach again',
    });
  }
  if (expected !== null && running !== expected.info().id) throw changed(hook.place, running, expected);
}

const OTHER_TYPE_HINT =
  'programs that exchange places have one type and one expected attach type: SEC("xdp") or SEC("xdp.frags") for both, …';

function changed(place: string, running: number, expected: BpfProgram | null): RootletError {
  return platformError(
    'attach-changed',
    [place],
    `program ${running} is attached, not ${expected === null ? 'the expected one' : `${quote(expected.name)} (${expected.info().id})`}`,
    {
      hint: 'somebody else changed it: --force replaces whatever is there',
    },
  );
}
