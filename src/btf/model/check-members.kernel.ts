/**
 * Members of structs and unions: each has a type with a size, and ends within the struct. `kinds` and `work` are
 * those of `check-values.kernel.ts`; all types of members have been left there.
 *
 * Sizes are bytes below 2^32, so bits take up to 35 bits: they are compared as high and low words.
 */

import { TYPE, UNIT } from '../../image/layout.ts';
import { byte, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { TYPE_FAULT } from './faults.ts';
import { KINDS } from './kinds.ts';
import { VALUE } from './value-state.ts';

/** Where a member with `simple` bits and 1 more begins at the latest, and 1 more; 0: the struct is not that simple. */
export function simpleLimit(at: number): number {
  return word(at + 1) >= 0 && word(at + 2) >>> 28 === 0 ? (word(at + 2) << 3) + 2 : 0;
}

/** 1 for a member whose type has been left and that ends within the struct, without looking further. */
export function fitsSimply(simple: number, offset: number, limit: number): number {
  return simple > 0 && offset >= 0 && offset < limit - simple ? 1 : 0;
}

/** 1, or 0 after a fault. */
export function checkMembers(unit: number, id: number, kinds: number, work: number): number {
  const width = word(word(UNIT.typeCount) + unit) + 1;
  const states = work + width;
  const values = states + width;
  const at = word(word(TYPE.start) + word(word(UNIT.types) + unit) + id);
  const count = word(at + 1) & 0xffffff;
  const fields = word(at + 1) < 0 ? 1 : 0;
  const limit = simpleLimit(at);
  let place = at + 3;
  for (let index = 0; index < count; index = index + 1) {
    const type = word(place + 1);
    const offset = word(place + 2);
    place = place + 3;
    if (fitsSimply(word(values + width + type), offset, limit) === 1) continue;
    if (word(values + type) === 0) continue;
    if (word(states + type) === VALUE.noSize) return fault(TYPE_FAULT.memberType, unit, id, index);
    const bits = fields === 0 ? 0 : offset >>> 24;
    if (bits === 0) {
      if (word(states + type) === VALUE.sized) {
        const start = fields === 0 ? offset : offset & 0xffffff;
        if (isInside(unit, word(at + 2), start, word(values + type), kinds, word(work + type)) === 1)
          continue;
      }
      return fault(TYPE_FAULT.memberOffset, unit, id, index);
    }
    if (isField(kinds, word(values + type), work, bits) === 0)
      return fault(TYPE_FAULT.bitField, unit, id, index);
    if (endsWithin(word(at + 2), offset & 0xffffff, 0, bits) === 0)
      return fault(TYPE_FAULT.memberOffset, unit, id, index);
  }
  return 1;
}

/**
 * Whether a member of `size` bytes at a bit offset ends within `total` bytes. Compilers before the kind flag
 * described bit fields by integers that are narrower than their storage.
 */
function isInside(
  unit: number,
  total: number,
  offset: number,
  target: number,
  kinds: number,
  size: number,
): number {
  if (byte(kinds + target) !== BTF_KIND.INT) return endsWithin(total, offset, size >>> 29, size << 3);
  const data = word(word(word(TYPE.start) + word(word(UNIT.types) + unit) + target) + 3);
  return endsWithin(total, offset, 0, ((data >>> 16) & 0xff) + (data & 0xff));
}

/** Whether `high` and `low`, a number of bits, from bit `offset` on end within `total` bytes. */
function endsWithin(total: number, offset: number, high: number, low: number): number {
  const all = total << 3;
  let left = (total >>> 29) - high;
  if (all >>> 0 < low >>> 0) left = left - 1;
  if (left !== 0) return left > 0 ? 1 : 0;
  return ((all - low) | 0) >>> 0 < offset >>> 0 ? 0 : 1;
}

/** Whether the type can be a bit field of that many bits (at most 255). */
function isField(kinds: number, target: number, work: number, bits: number): number {
  if (((KINDS.integers >> byte(kinds + target)) & 1) === 0) return 0;
  const size = word(work + target);
  return size < 0 || size >= 32 || bits <= size << 3 ? 1 : 0;
}
