/** Helpers for maps. */

import { BPF_FUNC_TAIL_CALL } from '../../isa/index.ts';
import { mapCallRefusal } from '../../object/index.ts';
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_PROG_ARRAY, EINVAL, EPERM } from '../../uapi/index.ts';
import { ReferenceArrayStore } from '../maps/index.ts';
import { DESCRIPTOR_SIZE, type MachineState, type MapStore, type QueueStore } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

function storeOf(machine: MachineState, map: number): MapStore | undefined {
  return machine.maps[map];
}

function writable(store: MapStore): boolean {
  return (store.definition.flags & BPF_F_RDONLY_PROG) === 0;
}

function lookup(machine: MachineState, map: number, key: number): number {
  return storeOf(machine, map)?.lookup(key) ?? 0;
}

function update(machine: MachineState, map: number, key: number, value: number, flags: number): number {
  const store = storeOf(machine, map);
  if (store === undefined) return -EINVAL;
  return writable(store) ? store.update(key, value, flags) : -EPERM;
}

function remove(machine: MachineState, map: number, key: number): number {
  const store = storeOf(machine, map);
  if (store === undefined) return -EINVAL;
  return writable(store) ? store.remove(key) : -EPERM;
}

function queueOf(machine: MachineState, map: number): QueueStore | undefined {
  return storeOf(machine, map)?.queue;
}

function forEach(
  machine: MachineState,
  map: number,
  callee: number,
  contextLow: number,
  contextHigh: number,
  flags: number,
  frame: number,
): number {
  const store = storeOf(machine, map);
  if (flags !== 0 || store === undefined) return -EINVAL;
  const { memory } = machine;
  const { keySize } = store.definition;
  const descriptor = machine.descriptors + map * DESCRIPTOR_SIZE;
  let count = 0;
  for (const { key, value } of store.elements()) {
    count++;
    memory.permit(key, keySize, 1);
    const stop = machine.callBack(frame, callee, [descriptor, key, value, contextLow, contextHigh]);
    memory.permit(key, keySize, 0);
    if (stop) break;
  }
  return count;
}

/** What the slot of a program array holds; compiled code makes the jump. */
function programSlot(machine: MachineState, map: number, index: number, site: number): number {
  const store = storeOf(machine, map);
  if (store instanceof ReferenceArrayStore && store.definition.type === BPF_MAP_TYPE_PROG_ARRAY) {
    return store.slot(index >>> 0);
  }
  const refused = store === undefined ? undefined : mapCallRefusal(BPF_FUNC_TAIL_CALL, store.definition);
  if (refused === undefined) return machine.fail(site, 'vm-not-map', 'is given no program array');
  const message = `is called with ${refused.map}, which the kernel refuses`;
  return machine.fail(site, 'vm-map-helper', message, refused.hint);
}

/** Pointers to locks and timers are not checked: nothing is done with them. */
export const MAP_HELPERS: readonly Helper[] = [
  helper('map_lookup_elem', ['map', 'key'], lookup, { returns: 'u32' }),
  helper('map_update_elem', ['map', 'key', 'value', 'flags'], update),
  helper('map_delete_elem', ['map', 'key'], remove),
  helper(
    'map_push_elem',
    ['map', 'value', 'flags'],
    (machine, map = 0, value = 0, flags = 0) => queueOf(machine, map)?.push(value, flags) ?? -EINVAL,
  ),
  helper(
    'map_pop_elem',
    ['map', 'value-out'],
    (machine, map = 0, value = 0) => queueOf(machine, map)?.pop(value) ?? -EINVAL,
  ),
  helper(
    'map_peek_elem',
    ['map', 'value-out'],
    (machine, map = 0, value = 0) => queueOf(machine, map)?.peek(value) ?? -EINVAL,
  ),
  helper(
    'map_lookup_percpu_elem',
    ['map', 'key', 'u32'],
    (machine, map = 0, key = 0, cpu = 0) => (cpu === 0 ? lookup(machine, map, key) : 0),
    { returns: 'u32', note: 'the machine has one CPU, number 0' },
  ),
  helper('for_each_map_elem', ['map', 'callback', 'u64', 'flags'], forEach, { extra: 'frame' }),
  helper('spin_lock', ['ignored'], () => 0, { note: 'nothing runs beside the program' }),
  helper('spin_unlock', ['ignored'], () => 0),
  helper('timer_init', ['ignored', 'map', 'flags'], () => 0, { note: 'accepted' }),
  helper('timer_set_callback', ['ignored', 'callback'], () => 0, { note: 'accepted' }),
  helper('timer_start', ['ignored', 'u64', 'flags'], () => 0, { note: 'accepted; the timer never fires' }),
  helper('timer_cancel', ['ignored'], () => 0, { note: 'accepted' }),
  helper('tail_call', ['context', 'map', 'u32'], programSlot, { extra: 'site' }),
  helper('loop', ['u32', 'callback', 'u64', 'flags'], null),
];
