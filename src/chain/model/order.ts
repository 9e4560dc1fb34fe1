/**
 * The order in which members run: that of libxdp, for every back end, so that a chain runs the same whatever
 * tool builds it.
 *
 * Source: cmp_xdp_programs() of libxdp.
 */

import { encodeText } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import type { InputObject } from '../../object/index.ts';
import type { DesignMember } from './design.ts';

/** What the order of a member depends on. */
export interface OrderKey {
  /** Lower ones run earlier. */
  readonly priority: number;
  /** Name of its function. */
  readonly program: string;
  /** What the kernel knows of it; null for a program that is to be loaded. */
  readonly loaded: {
    /** 16 hexadecimal digits. */
    readonly tag: string;
    /** Nanoseconds since boot. */
    readonly loadTime: bigint;
  } | null;
  /** Instructions, of a program that is to be loaded. */
  readonly instructions: number;
}

/** Members of designs in the order in which they run. Those that nothing distinguishes are equal. */
export function byRunOrder(a: DesignMember, b: DesignMember): number {
  // files are only read where priorities and names are equal
  return compareRanks(a, b) || compareMembers(keyOfMember(a), keyOfMember(b));
}

function keyOfMember({ file, program, priority, loaded, rank }: DesignMember): OrderKey {
  return {
    priority,
    program,
    loaded: loaded === null ? null : (rank ?? NO_RANK),
    instructions: file === null ? 0 : instructionsOf(file, program),
  };
}

/** Of a file that cannot be read there are none; the change is refused where it is needed. */
function instructionsOf(file: InputObject, program: string): number {
  try {
    const symbol = file.object.symbols.find(({ kind, name }) => kind === 'function' && name === program);
    return symbol?.kind === 'function' ? symbol.code.length / 8 : 0;
  } catch (error) {
    if (error instanceof RootletError) return 0;
    throw error;
  }
}

const NO_RANK = { tag: '', loadTime: 0n } as const;

/** The members in the order in which they run. Those that nothing distinguishes keep their order. */
export function inRunOrder<T>(members: readonly T[], keyOf: (member: T) => OrderKey): readonly T[] {
  return members
    .map(member => ({ member, key: keyOf(member) }))
    .sort((a, b) => compareMembers(a.key, b.key))
    .map(({ member }) => member);
}

/**
 * Below 0 when `a` runs before `b`: by priority, by the bytes of the name, those that are loaded before those that
 * are not, then smaller programs before larger ones, or by tag and age.
 */
export function compareMembers(a: OrderKey, b: OrderKey): number {
  const byRank = compareRanks(a, b);
  if (byRank !== 0) return byRank;
  if (a.loaded === null || b.loaded === null) {
    const notLoaded = Number(a.loaded === null) - Number(b.loaded === null);
    return notLoaded === 0 ? a.instructions - b.instructions : notLoaded;
  }
  if (a.loaded.tag !== b.loaded.tag) return a.loaded.tag < b.loaded.tag ? -1 : 1;
  return Number(a.loaded.loadTime - b.loaded.loadTime);
}

type Rank = Pick<OrderKey, 'priority' | 'program'>;

function compareRanks(a: Rank, b: Rank): number {
  return a.priority - b.priority || compareBytes(encodeText(a.program), encodeText(b.program));
}

/** As strcmp(). */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, position) => byte !== b[position]);
  if (at < 0) return a.length - b.length;
  const other = b[at];
  const own = a[at];
  return own === undefined || other === undefined ? 1 : own - other;
}
