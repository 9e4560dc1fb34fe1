/** Helpers that send packets elsewhere. What they say is recorded; nothing is sent. */

import {
  BPF_F_BROADCAST,
  BPF_F_INGRESS,
  BPF_FIB_LKUP_RET_NOT_FWDED,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_XSKMAP,
  EINVAL,
  TC_ACT_REDIRECT,
  TC_ACT_SHOT,
  XDP_ABORTED,
  XDP_REDIRECT,
} from '../../uapi/index.ts';
import { type MachineState, TC, XDP } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

/** In `bpf_redirect_map` flags: what to return for a missing entry, then broadcasting. */
const MAP_FLAGS_MASK = 0x1b;
const MISSING_ACTION_MASK = 3;
const FIB_PARAMS_SIZE = 64;

const REDIRECT_MAPS = new Set([
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_XSKMAP,
]);

function toInterface(machine: MachineState, ifindex: number, flags: number): void {
  machine.redirect = { ifindex: ifindex >>> 0, map: null, key: null, clone: false, flags };
}

function redirect(machine: MachineState, ifindex: number, flags: number): number {
  if (machine.kind === 'xdp') {
    if (flags !== 0) return XDP_ABORTED;
    toInterface(machine, ifindex, flags);
    return XDP_REDIRECT;
  }
  if ((flags & ~BPF_F_INGRESS) !== 0) return TC_ACT_SHOT;
  toInterface(machine, ifindex, flags);
  return TC_ACT_REDIRECT;
}

function redirectNeighbour(
  machine: MachineState,
  ifindex: number,
  params: number,
  size: number,
  flags: number,
): number {
  void params;
  if (flags !== 0 || (size !== 0 && size < 20)) return TC_ACT_SHOT;
  toInterface(machine, ifindex, flags);
  return TC_ACT_REDIRECT;
}

function redirectPeer(machine: MachineState, ifindex: number, flags: number): number {
  if (flags !== 0) return TC_ACT_SHOT;
  toInterface(machine, ifindex, flags);
  return TC_ACT_REDIRECT;
}

function redirectMap(machine: MachineState, map: number, key: number, flags: number): number {
  const store = machine.maps[map];
  if (store === undefined || !REDIRECT_MAPS.has(store.definition.type)) return XDP_ABORTED;
  if ((flags & ~MAP_FLAGS_MASK) !== 0) return XDP_ABORTED;
  if ((flags & BPF_F_BROADCAST) === 0) {
    machine.memory.setU32(machine.keyCell, key >>> 0);
    if (store.lookup(machine.keyCell) === 0) return flags & MISSING_ACTION_MASK;
  }
  machine.redirect = { ifindex: null, map: store.definition.name, key: key >>> 0, clone: false, flags };
  return XDP_REDIRECT;
}

function cloneRedirect(machine: MachineState, ifindex: number, flags: number): number {
  if ((flags & ~BPF_F_INGRESS) !== 0) return -EINVAL;
  machine.redirect = { ifindex: ifindex >>> 0, map: null, key: null, clone: true, flags };
  return 0;
}

function fibLookup(_machine: MachineState, _params: number, size: number): number {
  return size < FIB_PARAMS_SIZE ? -EINVAL : BPF_FIB_LKUP_RET_NOT_FWDED;
}

export const REDIRECT_HELPERS: readonly Helper[] = [
  helper('redirect', ['u32', 'flags'], redirect, { programs: ['xdp', 'tc'] }),
  helper('redirect_map', ['map', 'u32', 'flags'], redirectMap, { programs: XDP }),
  helper('redirect_neigh', ['u32', 'memory', 'size', 'flags'], redirectNeighbour, { programs: TC }),
  helper('redirect_peer', ['u32', 'flags'], redirectPeer, { programs: TC }),
  helper('clone_redirect', ['context', 'u32', 'flags'], cloneRedirect, {
    programs: TC,
    note: 'any interface is taken to exist',
  }),
  helper('fib_lookup', ['context', 'memory-out', 'size', 'ignored'], fibLookup, {
    programs: ['xdp', 'tc'],
    note: 'there are no routes: always BPF_FIB_LKUP_RET_NOT_FWDED',
  }),
];
