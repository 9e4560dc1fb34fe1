/** Helpers for checksums. Words are read in the byte order of the object, as the program reads them. */

import { BPF_F_MARK_ENFORCE, BPF_F_MARK_MANGLED_0, EFAULT, EINVAL, ENOTSUPP } from '../../uapi/index.ts';
import { type MachineMemory, type MachineState, TC } from '../state/index.ts';
import { csumFrom32To16, csumSub, replace2, replace4, replaceByDifference } from './checksum-math.ts';
import { type Helper, helper } from './spec.ts';

const FIELD_SIZE_MASK = 0xf;
/**
 * Those, BPF_F_PSEUDO_HDR and BPF_F_IPV6, which only matter to hardware checksums, and the size of the field.
 */
const L4_FLAGS = 0xff;
const CSUM_MANGLED_0 = 0xffff;

/** One's complement sum of whole 32-bit words, on top of `seed`. */
function partial(memory: MachineMemory, at: number, size: number, seed: number): number {
  let sum = seed >>> 0;
  for (let done = 0; done < size; done += 4) sum += memory.u32(at + done);
  while (sum > 0xffffffff) sum = (sum % 0x100000000) + Math.floor(sum / 0x100000000);
  return sum;
}

function difference(
  machine: MachineState,
  from: number,
  fromSize: number,
  to: number,
  toSize: number,
  seed: number,
): number {
  const { memory } = machine;
  const [removed, added] = [fromSize >>> 0, toSize >>> 0];
  if (removed % 4 !== 0 || added % 4 !== 0) return -EINVAL;
  let sum = seed >>> 0;
  if (added > 0) sum = partial(memory, to, added, sum);
  if (removed > 0) {
    sum =
      added > 0
        ? csumSub(sum, partial(memory, from, removed, 0))
        : ~partial(memory, from, removed, ~sum) >>> 0;
  }
  return csumFrom32To16(sum);
}

/** Address of the checksum field at `offset`; 0 when it is not in the packet. */
function fieldAt(machine: MachineState, offset: number): number {
  const at = offset >>> 0;
  if (at > 0xffff || (at & 1) !== 0 || at + 2 > machine.packet.length) return 0;
  return machine.packet.data + at;
}

/** The new checksum; undefined when the flags say no known size. */
function replaced(
  check: number,
  from: number,
  to: number,
  flags: number,
  fold2: boolean,
): number | undefined {
  switch (flags & FIELD_SIZE_MASK) {
    case 0:
      return from === 0 ? replaceByDifference(check, to >>> 0) : undefined;
    case 2:
      return fold2 ? replace2(check, from, to) : replace4(check, from & 0xffff, to & 0xffff);
    case 4:
      return replace4(check, from >>> 0, to >>> 0);
    default:
      return undefined;
  }
}

/** The first argument is the low half of a u64: a difference, or an old value. */
function replaceL3(
  machine: MachineState,
  offset: number,
  from: number,
  fromHigh: number,
  to: number,
  toHigh: number,
  flags: number,
): number {
  void toHigh;
  if ((flags & ~FIELD_SIZE_MASK) !== 0) return -EINVAL;
  const field = fieldAt(machine, offset);
  if (field === 0) return -EFAULT;
  const wholeFrom = (flags & FIELD_SIZE_MASK) === 0 ? from | fromHigh : from;
  const check = replaced(machine.memory.u16(field), wholeFrom, to, flags, true);
  if (check === undefined) return -EINVAL;
  machine.memory.setU16(field, check);
  return 0;
}

function replaceL4(
  machine: MachineState,
  offset: number,
  from: number,
  fromHigh: number,
  to: number,
  toHigh: number,
  flags: number,
): number {
  void toHigh;
  if ((flags & ~L4_FLAGS) !== 0) return -EINVAL;
  const field = fieldAt(machine, offset);
  if (field === 0) return -EFAULT;
  const { memory } = machine;
  const mangledZero = (flags & BPF_F_MARK_MANGLED_0) !== 0;
  const old = memory.u16(field);
  if (mangledZero && (flags & BPF_F_MARK_ENFORCE) === 0 && old === 0) return 0;
  const wholeFrom = (flags & FIELD_SIZE_MASK) === 0 ? from | fromHigh : from;
  const check = replaced(old, wholeFrom, to, flags, false);
  if (check === undefined) return -EINVAL;
  memory.setU16(field, mangledZero && check === 0 ? CSUM_MANGLED_0 : check);
  return 0;
}

export const CHECKSUM_HELPERS: readonly Helper[] = [
  helper('csum_diff', ['memory', 'size', 'memory', 'size', 'u32'], difference, {
    note: 'folded to 16 bits, as since Linux 6.13',
  }),
  helper('l3_csum_replace', ['context', 'u32', 'u64', 'u64', 'flags'], replaceL3, { programs: TC }),
  helper('l4_csum_replace', ['context', 'u32', 'u64', 'u64', 'flags'], replaceL4, { programs: TC }),
  helper('csum_update', ['context', 'ignored'], () => -ENOTSUPP, {
    programs: TC,
    note: 'packets come without a hardware checksum',
  }),
];
