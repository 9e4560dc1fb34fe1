/**
 * An object as it is on one kernel: what the phases before the plan found out. The plan takes it as one
 * value, so that no result of a phase can be left out.
 */

import type { CoreAnswer } from '../../core/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { type ExternBindings, NO_BINDINGS } from '../externs/index.ts';
import type { AttachPlan } from './plan.ts';
import { NO_OPERATIONS, type Operations } from './struct-ops.ts';

export interface PreparedObject {
  /** After CO-RE. Symbols of the other fields are its. */
  readonly object: BpfObject;
  /** How CO-RE relocations came out, so that poisoned instructions can be explained. */
  readonly coreAnswers: readonly CoreAnswer[];
  /** What externs are on this machine; externs that are not here and not weak are errors. */
  readonly bindings: ExternBindings;
  /** struct_ops maps of the object, as this kernel has them. */
  readonly operations: Operations;
  /** Program name → what it attaches to, for types that want it at load time. */
  readonly attach: ReadonlyMap<string, AttachPlan>;
}

/** An object that needs nothing of a kernel: no relocation, no extern, no type to attach to. */
export function preparedAlone(object: BpfObject): PreparedObject {
  return { object, coreAnswers: [], bindings: NO_BINDINGS, operations: NO_OPERATIONS, attach: new Map() };
}
