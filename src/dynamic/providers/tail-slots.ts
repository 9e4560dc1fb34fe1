/**
 * Tail-call slots of one provider: for each kind of program that calls it, a program array with its functions
 * in it.
 *
 * The array belongs to the provider, so that one update moves all consumers. It must be held by a descriptor
 * or a pin: the kernel empties an array whose last user-space reference goes.
 */

import { platformError, quote } from '../../diag/index.ts';
import { BpfMap, type BpfProgram, encodeU32s, type Sys } from '../../kernel/index.ts';
import { kindId, type ProgramType } from '../../object/index.ts';
import type { MapIdentity } from '../../state/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/index.ts';

/** Program array of a rootlet with tail-call slots, and of consumers that are bound by tail calls. */
export const SLOT_ARRAY = 'rootlet_slots';

/** The array is not state: what it contains follows from the design. */
export function isSlotArray({ owner, name }: MapIdentity): boolean {
  return owner === null && name === SLOT_ARRAY;
}

/** Entries of one array: functions of one provider for programs of one kind. */
export const SLOTS = 64;

export interface TailSlot {
  readonly function: string;
  /** What is in the slot. */
  program: BpfProgram;
}

export interface TailArray {
  /** What the programs in it have in common; see `kindId`. */
  readonly kind: string;
  readonly type: ProgramType;
  readonly map: BpfMap;
  /** By entry. */
  readonly slots: TailSlot[];
}

/** Definition of such an array, for stubs as for the map itself. */
export const TAIL_ARRAY = {
  type: BPF_MAP_TYPE_PROG_ARRAY,
  keySize: 4,
  valueSize: 4,
  maxEntries: SLOTS,
} as const;

export class TailSlots {
  readonly arrays: TailArray[] = [];
  /** What was added, and is in no record yet. */
  #added: { readonly array: BpfMap; readonly entry: number }[] = [];
  #changed = false;

  /** Whether something was added since `saved()`. */
  get changed(): boolean {
    return this.#changed;
  }

  /** The record has all of it. */
  saved(): void {
    this.#changed = false;
    this.#added = [];
  }

  /** The array for programs of a type, made when it is first requested. */
  arrayFor(sys: Sys, type: ProgramType): TailArray {
    const kind = kindId(type);
    const known = this.arrays.find(array => array.kind === kind);
    if (known !== undefined) return known;
    const map = BpfMap.create(sys, { ...TAIL_ARRAY, name: SLOT_ARRAY });
    const array: TailArray = { kind, type, map, slots: [] };
    this.arrays.push(array);
    this.#changed = true;
    return array;
  }

  /** The entry of a function, filled with what `load` gives if it is new. Throws `dynamic-slots-full`. */
  entryFor(array: TailArray, name: string, load: () => BpfProgram): number {
    const known = array.slots.findIndex(slot => slot.function === name);
    if (known >= 0) return known;
    if (array.slots.length >= SLOTS)
      throw platformError(
        'dynamic-slots-full',
        [],
        `no slot is left for ${quote(name)}: all ${SLOTS} are in use`,
      );
    const program = load();
    try {
      setSlot(array.map, array.slots.length, program);
    } catch (error) {
      program.close();
      throw error;
    }
    array.slots.push({ function: name, program });
    this.#added.push({ array: array.map, entry: array.slots.length - 1 });
    this.#changed = true;
    return array.slots.length - 1;
  }

  /** Empties the slots that no record has: the load that filled them has failed. */
  dropUnsaved(): void {
    for (const { array, entry } of this.#added) clearSlot(array, entry);
    this.#added = [];
  }

  close(): void {
    for (const { map, slots } of this.arrays) {
      for (const { program } of slots) program.close();
      map.close();
    }
    this.arrays.length = 0;
  }
}

/** One atomic step: a call from now on runs the new program, calls that are under way end in the old one. */
export function setSlot(array: BpfMap, entry: number, program: BpfProgram): void {
  array.update(encodeU32s([entry]), encodeU32s([program.fd.number]));
}

/** Empties a slot: calls get the stub's default. */
export function clearSlot(array: BpfMap, entry: number): void {
  array.delete(encodeU32s([entry]));
}
