/** Values of struct_ops maps with the descriptors of their programs. */

import { quote, usageError } from '../../diag/index.ts';
import { HOST_ORDER } from '../../kernel/index.ts';
import type { LoadedObject } from './loaded-object.ts';

/** The value of a loaded table, with the descriptors of its programs. Throws `load-no-operations`. */
export function tableValue(object: LoadedObject, name: string): Uint8Array {
  const plan = object.plan.maps.find(candidate => candidate.name === name)?.operations;
  if (plan === undefined) {
    throw usageError('load-no-operations', `${quote(name)} is not a struct_ops map`, {
      hint: 'struct_ops maps are variables in SEC(".struct_ops") or SEC(".struct_ops.link")',
    });
  }
  const value = plan.value.slice();
  const view = new DataView(value.buffer);
  for (const { offset, program } of plan.programs) {
    const fd = object.programs.get(program)?.fd.number ?? 0;
    view.setBigUint64(offset, BigInt(fd), HOST_ORDER === 'little');
  }
  return value;
}
