/** For each helper that takes a map, the smallest program that calls it with valid other arguments. */

import {
  BPF_DW,
  BPF_JEQ,
  BPF_PSEUDO_FUNC,
  callHelper,
  copy,
  EXIT,
  helperId,
  type Insn,
  insn,
  jumpIf,
  label,
  load,
  loadWords,
  move,
  type Step,
  storeImmediate,
} from '../../src/isa/index.ts';
import * as uapi from '../../src/uapi/index.ts';

/** A call in a program of a type that has the helper. */
export interface MapCall {
  readonly name: string;
  readonly progType: number;
  /** What the registers hold, from r1 on. */
  readonly args: readonly Argument[];
  readonly after?: readonly Step[];
}

/** A number; or the context, the map, 128 bytes of stack, an unwritten stack slot, a callback, a socket. */
type Argument = number | 'context' | 'map' | 'stack' | 'fresh' | 'callback' | 'socket';

const XDP = uapi.BPF_PROG_TYPE_XDP;
const TC = uapi.BPF_PROG_TYPE_SCHED_CLS;
const KPROBE = uapi.BPF_PROG_TYPE_KPROBE;
const SK_SKB = uapi.BPF_PROG_TYPE_SK_SKB;
const SK_MSG = uapi.BPF_PROG_TYPE_SK_MSG;
const SOCK_OPS = uapi.BPF_PROG_TYPE_SOCK_OPS;

function idOf(name: string): number {
  return helperId(`bpf_${name}`) ?? 0;
}

/** r0 is NULL or a record to give back. */
const DISCARD: readonly Step[] = [
  jumpIf(BPF_JEQ, 0, 0, 'end'),
  copy(1, 0),
  move(2, 0),
  callHelper(idOf('ringbuf_discard')),
  label('end'),
];
const DISCARD_DYNPTR: readonly Step[] = [
  copy(1, 10),
  insn(0x07, 1, 0, 0, -16),
  move(2, 0),
  callHelper(idOf('ringbuf_discard_dynptr')),
];

/** `xdp_output` and `skb_output` are for tracing programs only, which need a function to attach to. */
export const MAP_CALLS: readonly MapCall[] = [
  { name: 'map_lookup_elem', progType: XDP, args: ['map', 'stack'] },
  { name: 'map_update_elem', progType: XDP, args: ['map', 'stack', 'stack', 0] },
  { name: 'map_update_elem', progType: KPROBE, args: ['map', 'stack', 'stack', 0] },
  { name: 'map_update_elem', progType: SOCK_OPS, args: ['map', 'stack', 'stack', 0] },
  { name: 'map_delete_elem', progType: XDP, args: ['map', 'stack'] },
  { name: 'map_delete_elem', progType: SK_MSG, args: ['map', 'stack'] },
  { name: 'map_delete_elem', progType: SOCK_OPS, args: ['map', 'stack'] },
  { name: 'map_push_elem', progType: XDP, args: ['map', 'stack', 0] },
  { name: 'map_pop_elem', progType: XDP, args: ['map', 'stack'] },
  { name: 'map_peek_elem', progType: XDP, args: ['map', 'stack'] },
  { name: 'map_lookup_percpu_elem', progType: XDP, args: ['map', 'stack', 0] },
  { name: 'for_each_map_elem', progType: XDP, args: ['map', 'callback', 0, 0] },
  { name: 'tail_call', progType: XDP, args: ['context', 'map', 0] },
  { name: 'perf_event_read', progType: KPROBE, args: ['map', 0] },
  { name: 'perf_event_read_value', progType: KPROBE, args: ['map', 0, 'stack', 24] },
  { name: 'perf_event_output', progType: XDP, args: ['context', 'map', 0, 'stack', 8] },
  { name: 'get_stackid', progType: KPROBE, args: ['context', 'map', 0] },
  { name: 'skb_under_cgroup', progType: TC, args: ['context', 'map', 0] },
  { name: 'current_task_under_cgroup', progType: KPROBE, args: ['map', 0] },
  { name: 'redirect_map', progType: XDP, args: ['map', 0, 0] },
  { name: 'sk_redirect_map', progType: SK_SKB, args: ['context', 'map', 0, 0] },
  { name: 'sk_redirect_hash', progType: SK_SKB, args: ['context', 'map', 'stack', 0] },
  { name: 'msg_redirect_map', progType: SK_MSG, args: ['context', 'map', 0, 0] },
  { name: 'msg_redirect_hash', progType: SK_MSG, args: ['context', 'map', 'stack', 0] },
  { name: 'sock_map_update', progType: SOCK_OPS, args: ['context', 'map', 'stack', 0] },
  { name: 'sock_hash_update', progType: SOCK_OPS, args: ['context', 'map', 'stack', 0] },
  { name: 'get_local_storage', progType: uapi.BPF_PROG_TYPE_CGROUP_SKB, args: ['map', 0] },
  {
    name: 'sk_select_reuseport',
    progType: uapi.BPF_PROG_TYPE_SK_REUSEPORT,
    args: ['context', 'map', 'stack', 0],
  },
  { name: 'sk_storage_get', progType: TC, args: ['map', 'socket', 0, 0] },
  { name: 'sk_storage_delete', progType: TC, args: ['map', 'socket'] },
  { name: 'task_storage_get', progType: KPROBE, args: ['map', 0, 0, 0] },
  { name: 'task_storage_delete', progType: KPROBE, args: ['map', 0] },
  { name: 'cgrp_storage_get', progType: KPROBE, args: ['map', 0, 0, 0] },
  { name: 'cgrp_storage_delete', progType: KPROBE, args: ['map', 0] },
  { name: 'ringbuf_output', progType: XDP, args: ['map', 'stack', 8, 0] },
  { name: 'ringbuf_reserve', progType: XDP, args: ['map', 8, 0], after: DISCARD },
  { name: 'ringbuf_query', progType: XDP, args: ['map', 0] },
  { name: 'ringbuf_reserve_dynptr', progType: XDP, args: ['map', 8, 0, 'fresh'], after: DISCARD_DYNPTR },
  { name: 'user_ringbuf_drain', progType: KPROBE, args: ['map', 'callback', 0, 0] },
];

/** `__sk_buff.sk`. */
const SOCKET_OFFSET = 168;
/** Below the dynptr. */
const STACK = -144;

/** The program of the call, with the steps that load the map, and a callback of two instructions at its end. */
export function callSteps({ name, args, after = [] }: MapCall, map: (dst: number) => Step): readonly Step[] {
  const steps: Step[] = [copy(6, 1)];
  for (let offset = STACK; offset < -16; offset += 8) steps.push(storeImmediate(BPF_DW, 10, offset, 0));
  if (args.includes('socket')) {
    steps.push(load(BPF_DW, 7, 6, SOCKET_OFFSET), jumpIf(BPF_JEQ, 7, 0, 'out'));
  }
  args.forEach((argument, index) => {
    steps.push(...argumentSteps(argument, index + 1, map));
  });
  steps.push(callHelper(idOf(name)), ...after, label('out'), move(0, 0), EXIT);
  return steps;
}

function argumentSteps(argument: Argument, register: number, map: (dst: number) => Step): readonly Step[] {
  if (typeof argument === 'number') return [move(register, argument)];
  switch (argument) {
    case 'context':
      return [copy(register, 6)];
    case 'socket':
      return [copy(register, 7)];
    case 'map':
      return [map(register)];
    case 'stack':
      return [copy(register, 10), insn(0x07, register, 0, 0, STACK)];
    case 'fresh':
      return [copy(register, 10), insn(0x07, register, 0, 0, -16)];
    case 'callback':
      return [loadWords(register, BPF_PSEUDO_FUNC, 0)];
  }
}

/** Adds the callback and lets the address of a function lead to it. */
export function withCallback(insns: readonly Insn[]): readonly Insn[] {
  const placed = insns.map((one, at) =>
    one.opcode === 0x18 && one.src === BPF_PSEUDO_FUNC ? { ...one, imm: insns.length - at - 1 } : one,
  );
  return [...placed, move(0, 0), EXIT];
}
