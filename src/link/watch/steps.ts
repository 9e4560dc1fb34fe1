/**
 * The code that counts: what a watched chain, and the wrapper around a watched member, do around each call.
 *
 * Registers that calls keep: r6 context, r7 flags, r8 start of the call and later the member that decided, r9
 * duration and later the place of the record. The frame takes 16 bytes, which is the least that a function
 * counts on kernels that compile programs, so that watching takes no stack from the members of a chain:
 *
 *   -8   u64 bytes of the packet        -12  u32 key, 0        -16  u32 verdict
 */

import {
  add,
  addressOf,
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_DW,
  BPF_FUNC_KTIME_GET_NS,
  BPF_FUNC_MAP_LOOKUP_ELEM,
  BPF_FUNC_PERF_EVENT_OUTPUT,
  BPF_FUNC_XDP_GET_BUFF_LEN,
  BPF_JEQ,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_K,
  BPF_LSH,
  BPF_MEM,
  BPF_MOV,
  BPF_OR,
  BPF_RSH,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  callHelper,
  copy,
  insn,
  jump,
  jumpIf,
  label,
  load,
  move,
  type Step,
  storeImmediate,
} from '../../isa/index.ts';
import type { ProgramType, SymbolIndex } from '../../object/index.ts';
import { BPF_F_XDP_HAS_FRAGS, BPF_PROG_TYPE_XDP } from '../../uapi/index.ts';
import {
  type CounterLayout,
  counterLayout,
  TRACED_BYTES,
  TraceHeader,
  WATCH_COUNT,
  WATCH_TIME,
  WATCH_TRACE,
  WatchWords,
} from './layout.ts';

const [FRAME, CONTEXT, FLAGS, START, DURATION] = [10, 6, 7, 8, 9];
/** The same registers, when the last call has returned. */
const [DECIDER, RECORD] = [START, DURATION];
const [BYTES, KEY, VERDICT] = [-8, -12, -16];

/** How programs of a type are watched. */
export interface WatchedType {
  readonly layout: CounterLayout;
  /** Leaves the length of the packet in r1. May change r0 to r5. */
  readonly length: readonly Step[];
}

/** The length: of `struct xdp_md` by its pointers, with frags by a helper; `skb->len` has all of it. */
export function watchedType(type: Pick<ProgramType, 'progType' | 'flags'>): WatchedType {
  const layout = counterLayout(type.progType);
  if (type.progType !== BPF_PROG_TYPE_XDP) return { layout, length: [load(BPF_W, 1, CONTEXT, 0)] };
  if ((type.flags & BPF_F_XDP_HAS_FRAGS) !== 0)
    return { layout, length: [copy(1, CONTEXT), callHelper(BPF_FUNC_XDP_GET_BUFF_LEN), copy(1, 0)] };
  const ends = [load(BPF_W, 2, CONTEXT, 0), load(BPF_W, 1, CONTEXT, 4)];
  return { layout, length: [...ends, insn(BPF_ALU64 | BPF_SUB | BPF_X, 1, 2)] };
}

/** `*(base + offset) = src`. */
function store(size: number, base: number, offset: number, src: number): Step {
  return insn(BPF_STX | BPF_MEM | size, base, src, offset);
}

/** `*(u64 *)(base + offset) += src`, through r2. */
function addTo(base: number, offset: number, src: number): Step[] {
  return [
    load(BPF_DW, 2, base, offset),
    insn(BPF_ALU64 | BPF_ADD | BPF_X, 2, src),
    store(BPF_DW, base, offset, 2),
  ];
}

/** `if (!(flags & bits)) goto to`; `name`: a label of its own. */
function unlessSet(bits: number, to: string, name: string): Step[] {
  return [jumpIf(BPF_JSET, FLAGS, bits, name), jump(to), label(name)];
}

/** Reads the switch: one load, and one branch that is taken when it is on, with the flags in r2. */
export function branchOnSwitch(words: SymbolIndex, watched: string): Step[] {
  return [addressOf(2, words, WatchWords.offsets.flags), load(BPF_W, 2, 2), jumpIf(BPF_JNE, 2, 0, watched)];
}

/** Begins the part that counts: context in r1, flags in r2. */
export const BEGIN_WATCHED: readonly Step[] = [
  copy(CONTEXT, 1),
  copy(FLAGS, 2),
  move(START, 0),
  move(DURATION, 0),
];

/** What a call and its counting refer to. */
export interface WatchedCall {
  readonly type: WatchedType;
  /** The call, context in r1. */
  readonly call: Step;
  /** `rootlet_counts` of the member. */
  readonly counts: SymbolIndex;
  /** Makes labels unique. */
  readonly name: string;
}

/** Calls a member and counts. Leaves the verdict in r0. */
export function watchedCall({ type, call, counts, name }: WatchedCall): Step[] {
  return [
    ...type.length,
    store(BPF_DW, FRAME, BYTES, 1),
    ...clock(`start ${name}`, [copy(START, 0)]),
    copy(1, CONTEXT),
    call,
    store(BPF_W, FRAME, VERDICT, 0),
    ...clock(`end ${name}`, [copy(DURATION, 0), insn(BPF_ALU64 | BPF_SUB | BPF_X, DURATION, START)]),
    ...unlessSet(WATCH_COUNT, `counted ${name}`, `count ${name}`),
    ...lookup(counts),
    jumpIf(BPF_JEQ, 0, 0, `counted ${name}`),
    ...countPacket(type.layout, name),
    label(`counted ${name}`),
    load(BPF_W, 0, FRAME, VERDICT),
  ];
}

/** Reads the clock into r0 where times are taken. */
function clock(name: string, then: readonly Step[]): Step[] {
  const after = `${name} after`;
  return [...unlessSet(WATCH_TIME, after, name), callHelper(BPF_FUNC_KTIME_GET_NS), ...then, label(after)];
}

/** The element of an array of one, in r0. */
function lookup(map: SymbolIndex): Step[] {
  return [
    storeImmediate(BPF_W, FRAME, KEY, 0),
    copy(2, FRAME),
    add(2, KEY),
    addressOf(1, map),
    callHelper(BPF_FUNC_MAP_LOOKUP_ELEM),
  ];
}

/** Counts the packet in the element at r0. */
function countPacket({ offsets, first, known }: CounterLayout, name: string): Step[] {
  return [
    load(BPF_DW, 1, FRAME, BYTES),
    ...addTo(0, offsets.bytes, 1),
    ...unlessSet(WATCH_TIME, `untimed ${name}`, `timed ${name}`),
    ...addTo(0, offsets.time, DURATION),
    move(1, 1),
    ...addTo(0, offsets.timed, 1),
    label(`untimed ${name}`),
    load(BPF_W, 1, FRAME, VERDICT),
    ...(first === 0 ? [] : [insn(BPF_ALU | BPF_ADD | BPF_K, 1, 0, 0, -first)]),
    jumpIf(BPF_JLT, 1, known, `known ${name}`),
    move(1, known),
    label(`known ${name}`),
    insn(BPF_ALU64 | BPF_LSH | BPF_K, 1, 0, 0, 3),
    insn(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1),
    move(1, 1),
    ...addTo(0, offsets.verdicts, 1),
  ];
}

/** Where a traced packet goes, and who decided. */
export interface WatchedEnd {
  readonly type: WatchedType;
  /** Null where packets cannot be traced. */
  readonly trace: SymbolIndex | null;
  /** `rootlet_counts` of any member of this program, for the record. */
  readonly counts: SymbolIndex;
}

/** States who decided, before `watchedEnd`. */
export function decidedBy(member: number): Step {
  return insn(BPF_ALU | BPF_MOV | BPF_K, DECIDER, 0, 0, member | 0);
}

/** The same, with the member's own place. `to`: where to go with verdicts that another member decides. */
export function decidedHere(words: SymbolIndex, to: string): Step[] {
  return [
    addressOf(2, words),
    load(BPF_W, DECIDER, 2, WatchWords.offsets.member),
    load(BPF_W, 3, 2, WatchWords.offsets.continueMask),
    load(BPF_W, 1, FRAME, VERDICT),
    insn(BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0, 31),
    insn(BPF_ALU64 | BPF_RSH | BPF_X, 3, 1),
    jumpIf(BPF_JSET, 3, 1, to),
  ];
}

/** Goes to `to` unless packets are traced. */
export function unlessTraced(to: string): Step[] {
  return unlessSet(WATCH_TRACE, to, 'traced');
}

/** Replaces the verdict. */
export function verdictIs(verdict: number): Step {
  return storeImmediate(BPF_W, FRAME, VERDICT, verdict);
}

/** Loads the verdict into r0. */
export const LOAD_VERDICT: Step = load(BPF_W, 0, FRAME, VERDICT);

/** Sends the record of a traced packet; goes to `to` where that fails. */
export function traceSteps(
  { type, counts, trace }: WatchedEnd & { readonly trace: SymbolIndex },
  to: string,
): Step[] {
  const at = type.layout.offsets.record;
  const { offsets } = TraceHeader;
  return [
    ...lookup(counts),
    jumpIf(BPF_JEQ, 0, 0, to),
    copy(RECORD, 0),
    callHelper(BPF_FUNC_KTIME_GET_NS),
    store(BPF_DW, RECORD, at + offsets.time, 0),
    ...type.length,
    store(BPF_W, RECORD, at + offsets.length, 1),
    load(BPF_W, 2, FRAME, VERDICT),
    store(BPF_W, RECORD, at + offsets.verdict, 2),
    store(BPF_W, RECORD, at + offsets.member, DECIDER),
    storeImmediate(BPF_W, RECORD, at + offsets.reserved, 0),
    jumpIf(BPF_JLE, 1, TRACED_BYTES, 'short packet'),
    move(1, TRACED_BYTES),
    label('short packet'),
    // BPF_F_CURRENT_CPU, and how many bytes of the packet follow the record
    insn(BPF_ALU | BPF_MOV | BPF_K, 3, 0, 0, -1),
    insn(BPF_ALU64 | BPF_LSH | BPF_K, 1, 0, 0, 32),
    insn(BPF_ALU64 | BPF_OR | BPF_X, 3, 1),
    copy(1, CONTEXT),
    addressOf(2, trace),
    copy(4, RECORD),
    add(4, at),
    move(5, TraceHeader.size),
    callHelper(BPF_FUNC_PERF_EVENT_OUTPUT),
  ];
}
