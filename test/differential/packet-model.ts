/**
 * Operations of random programs on packets and contexts, and random ones of them. What they become is in
 * `assemble-packet.ts`.
 *
 * Programs of one model, and the components of a chain, look at the same few fields: so there is something to share.
 */

import * as isa from '../../src/isa/opcodes.ts';
import type { SeededRandom } from '../hostile/random.ts';

/** What the programs of a model are attached to. */
export type Hook = 'xdp' | 'tc';

type Size = 1 | 2 | 4;

/** Goes on where it holds, else `amount` is added to r7 and, where it `changes`, the value becomes another one. */
export interface Comparison {
  /** Operation of the jump. */
  readonly jump: number;
  readonly narrow: boolean;
  readonly value: number;
  readonly amount: number;
  readonly changes: boolean;
}

/** Something done with bytes whose presence was checked. */
export type PacketAccess =
  | { readonly what: 'load'; readonly offset: number; readonly size: Size }
  /** Of r8, or of a number. */
  | { readonly what: 'store'; readonly offset: number; readonly size: Size; readonly value: number | null }
  | { readonly what: 'add'; readonly offset: number; readonly size: Size; readonly value: number }
  | {
      readonly what: 'test';
      readonly offset: number;
      readonly size: Size;
      /** Through a 32-bit move. */
      readonly copied: boolean;
      readonly test: Comparison;
    }
  /** The byte at a place that another byte says, with a check of its own. */
  | { readonly what: 'indexed'; readonly offset: number; readonly mask: number }
  /** A call of a helper that changes nothing, where the pointer does not stay in a scratch register. */
  | { readonly what: 'call' };

/** Where the pointer to the packet is from access to access: r9 and the stack survive calls. */
export type Held = 'scratch' | 'saved' | 'stack';

export type PacketOp =
  | { readonly kind: 'packet'; readonly offset: number; readonly size: Size; readonly write: boolean }
  /** `length` bytes are checked for once, then accessed. */
  | {
      readonly kind: 'window';
      readonly length: number;
      /** How the check is written: an index into `CHECKS`. */
      readonly check: number;
      /** The pointer is moved on by as many bytes before the check. */
      readonly skip: number;
      readonly held: Held;
      readonly accesses: readonly PacketAccess[];
    }
  /** A helper that moves or changes the packet; `by` is in bytes. */
  | { readonly kind: 'adjust'; readonly where: 'head' | 'tail' | 'meta' | 'bytes'; readonly by: number }
  /** A field of the context; a store first where `write`. */
  | { readonly kind: 'context'; readonly field: number; readonly write: boolean }
  /** The length of the packet, as the difference of the pointers. */
  | { readonly kind: 'length' };

/** Comparisons of the end of what is needed with the end of the packet. */
export interface Check {
  readonly jump: number;
  /** The end of the packet is the first operand. */
  readonly reversed: boolean;
  /** The jump is taken where the bytes are there. */
  readonly passes: boolean;
}

const check = (jump: number, reversed: boolean, passes: boolean): Check => ({ jump, reversed, passes });

export const CHECKS: readonly Check[] = [
  check(isa.BPF_JGT, false, false),
  check(isa.BPF_JLT, true, false),
  check(isa.BPF_JGE, false, false),
  check(isa.BPF_JLE, true, false),
  check(isa.BPF_JLE, false, true),
  check(isa.BPF_JGE, true, true),
  check(isa.BPF_JLT, false, true),
  check(isa.BPF_JGT, true, true),
];

/** Fields of the context that machine and kernel agree about, and those that may be written. */
export const CONTEXT_FIELDS: Readonly<Record<Hook, readonly number[]>> = {
  xdp: [12, 16],
  tc: [0, 8, 32, 48],
};
export const WRITABLE_FIELDS: Readonly<Record<Hook, readonly number[]>> = { xdp: [], tc: [8, 32, 48] };

const FIELDS: readonly (readonly [number, Size])[] = [
  [12, 2],
  [14, 1],
  [23, 1],
  [26, 4],
  [30, 1],
  [36, 2],
];
const FIELDS_END = 38;
const VALUES = [0, 1, 1, 2, 3, 256, 257, 0x0203, 0x01020301];
const JUMPS = [
  isa.BPF_JEQ,
  isa.BPF_JEQ,
  isa.BPF_JNE,
  isa.BPF_JGT,
  isa.BPF_JGE,
  isa.BPF_JLT,
  isa.BPF_JLE,
  isa.BPF_JSET,
  isa.BPF_JSGT,
  isa.BPF_JSGE,
  isa.BPF_JSLT,
  isa.BPF_JSLE,
];

export function randomComparison(random: SeededRandom, values: readonly number[]): Comparison {
  return {
    jump: random.pick(JUMPS),
    narrow: random.below(3) === 0,
    value: random.pick(values),
    amount: 1 + random.below(100),
    changes: random.below(4) === 0,
  };
}

function randomAccess(random: SeededRandom, held: Held): PacketAccess {
  const [offset, size] = random.pick(FIELDS);
  switch (random.below(held === 'scratch' ? 7 : 9)) {
    case 0:
      return { what: 'load', offset, size };
    case 1:
      return { what: 'store', offset, size, value: random.below(2) === 0 ? null : random.pick(VALUES) };
    case 2:
      return { what: 'add', offset, size, value: 1 + random.below(3) };
    case 3:
      return { what: 'indexed', offset, mask: random.pick([1, 3, 7, 31]) };
    case 4:
    case 5:
    case 6:
      return {
        what: 'test',
        offset,
        size,
        copied: random.below(3) === 0,
        test: randomComparison(random, VALUES),
      };
    default:
      return { what: 'call' };
  }
}

/** `free`: r9 is not in use, and what moves the packet is allowed. */
export function randomPacketOp(random: SeededRandom, hook: Hook, free: boolean): PacketOp {
  switch (random.below(free ? 10 : 8)) {
    case 0: {
      const size = random.pick([1, 2, 4] as const);
      return { kind: 'packet', offset: random.below(70), size, write: random.below(3) === 0 };
    }
    case 1: {
      const field = random.pick(CONTEXT_FIELDS[hook]);
      return {
        kind: 'context',
        field,
        write: WRITABLE_FIELDS[hook].includes(field) && random.below(2) === 0,
      };
    }
    case 2:
      return { kind: 'length' };
    case 8:
    case 9: {
      const where = hook === 'tc' ? 'bytes' : random.pick(['head', 'tail', 'meta'] as const);
      return { kind: 'adjust', where, by: random.pick([-4, -3, -2, -1, 1, 2, 3, 4]) };
    }
    default: {
      const held = random.pick(
        free ? (['scratch', 'scratch', 'saved', 'stack'] as const) : (['scratch'] as const),
      );
      const accesses = Array.from({ length: 1 + random.below(4) }, () => randomAccess(random, held));
      return {
        kind: 'window',
        length: FIELDS_END + random.pick([0, 0, 0, 2, 6, 26]),
        check: random.below(CHECKS.length),
        skip: random.pick([0, 0, 0, 12]),
        held,
        accesses,
      };
    }
  }
}
