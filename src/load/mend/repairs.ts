/**
 * What kernels refuse in BTF that rootlet reads, and the repair of each: one table.
 *
 * The rules are those of `btf_check_all_metas()` and `btf_resolve()` of Linux 6.18. What a file may not have at
 * all, `src/btf/model/validate.ts` refuses; what is between the two is here. What no repair knows (nesting of
 * more than 32 levels, structs with two spin locks, more than 16 MiB) is loaded without BTF.
 */

import type { BtfId } from '../../btf/index.ts';
import {
  repairFunction,
  repairGlobalFunction,
  repairPrototype,
  repairQualifiedTag,
  repairSection,
  repairTaggedPointer,
  repairVariable,
} from './declaration-repairs.ts';
import { repairEnumerators, repairNames } from './name-repairs.ts';
import type { Names } from './names.ts';
import type { Types } from './repair-kinds.ts';
import {
  repairArray,
  repairArraySize,
  repairEncoding,
  repairEnumSize,
  repairMembers,
  repairOrder,
  repairUnusedWords,
} from './value-repairs.ts';

/** In order: each step relies on those before it. Names are last, so that all that was added is checked. */
const STEPS: readonly ((types: Types, id: BtfId, names: Names) => void)[] = [
  repairEncoding,
  repairUnusedWords,
  repairOrder,
  repairArray,
  repairArraySize,
  repairMembers,
  repairEnumSize,
  repairGlobalFunction,
  repairPrototype,
  repairFunction,
  repairVariable,
  repairSection,
  repairTaggedPointer,
  repairQualifiedTag,
  repairEnumerators,
  repairNames,
];

/** Applies all repairs to all types. */
export function repairAll(types: Types, names: Names): void {
  for (const step of STEPS) for (let id = 1; id <= types.count; id++) step(types, id, names);
}
