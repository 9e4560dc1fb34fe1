/**
 * From the members on a hook to those of a design: the smallest set of steps. Pure.
 *
 * The kernel does not move a link. A member that changes its place is attached a second time, in the new place,
 * before its old link ends: so the fewest possible members move, and all others stay as they are.
 */

/** A member that an entry keeps. */
export interface PresentMember {
  readonly name: string;
  /** It is not on the hook. */
  readonly isLost: boolean;
}

/** A member of the design. */
export interface WantedMember {
  readonly name: string;
  /** What differs from the member of this name that is there: code (or its values), only the record, nothing. */
  readonly differs: 'code' | 'record' | 'nothing';
}

export type TcxStep =
  /** Attached for the first time. */
  | { readonly kind: 'load'; readonly name: string }
  /** Another version in the same link. */
  | { readonly kind: 'replace'; readonly name: string }
  /** Attached in another place, in another version if `differs`; also a member that was lost. */
  | { readonly kind: 'move'; readonly name: string; readonly differs: boolean }
  /** Only the record changes. */
  | { readonly kind: 'record'; readonly name: string }
  | { readonly kind: 'unload'; readonly name: string };

export interface TcxPlan {
  readonly steps: readonly TcxStep[];
  /** Members whose place is final from the beginning. */
  readonly stay: ReadonlySet<string>;
}

/** `present`: in the order in which they run; `wanted`: in the order in which they are to run. */
export function planTcx(present: readonly PresentMember[], wanted: readonly WantedMember[]): TcxPlan {
  const places = new Map(wanted.map(({ name }, at) => [name, at]));
  const known = new Set(present.map(({ name }) => name));
  const attached = present.filter(({ isLost }) => !isLost).map(({ name }) => name);
  const staying = longestRising(attached.flatMap(name => places.get(name) ?? []));
  const stay = new Set(wanted.filter((_, at) => staying.has(at)).map(({ name }) => name));
  const steps = wanted.flatMap(({ name, differs }): TcxStep[] => {
    if (!known.has(name)) return [{ kind: 'load', name }];
    if (!stay.has(name)) return [{ kind: 'move', name, differs: differs === 'code' }];
    if (differs === 'nothing') return [];
    return [{ kind: differs === 'code' ? 'replace' : 'record', name }];
  });
  const gone = present.filter(({ name }) => !places.has(name));
  return { steps: [...steps, ...gone.map(({ name }): TcxStep => ({ kind: 'unload', name }))], stay };
}

/** The members of a longest rising subsequence of different numbers. */
export function longestRising(numbers: readonly number[]): ReadonlySet<number> {
  let best: readonly number[] = [];
  const endingWith: (readonly number[])[] = [];
  for (const [at, number] of numbers.entries()) {
    const before = endingWith.slice(0, at).filter(list => (list.at(-1) ?? number) < number);
    const longest = before.reduce((a, b) => (b.length > a.length ? b : a), []);
    const list = [...longest, number];
    endingWith.push(list);
    if (list.length > best.length) best = list;
  }
  return new Set(best);
}

/** Where a member goes: next to a member whose place is final; null: after everything on the hook. */
export type Neighbor = { readonly side: 'after' | 'before'; readonly name: string } | null;

/**
 * Directly after the nearest earlier member of `order` that is settled; without one, directly before the nearest
 * later one. `settled`: on the hook, in the final place.
 */
export function neighborOf(order: readonly string[], name: string, settled: ReadonlySet<string>): Neighbor {
  const at = order.indexOf(name);
  const earlier = order.slice(0, at).findLast(other => settled.has(other));
  if (earlier !== undefined) return { side: 'after', name: earlier };
  const later = order.slice(at + 1).find(other => settled.has(other));
  return later === undefined ? null : { side: 'before', name: later };
}
