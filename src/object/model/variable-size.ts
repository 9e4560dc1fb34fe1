/** Sizes of variables that are only declared. */

import { type Btf, type BtfId, sizeOfType } from '../../btf/index.ts';

/** Bytes of a VAR; 0 for functions, and for declarations without a size. */
export function variableSize(btf: Btf, id: BtfId): number {
  const type = btf.type(id);
  if (type.kind !== 'var') return 0;
  return isSized(btf, type.type) ? sizeOfType(btf, type.type) : 0;
}

/** Kernel symbols may be declared `const void`, which has no size. */
function isSized(btf: Btf, id: BtfId): boolean {
  let current = id;
  for (let step = 0; step < 64 && current !== 0; step++) {
    const type = btf.type(current);
    if (type.kind === 'fwd' || type.kind === 'func_proto') return false;
    if (type.kind === 'array') current = type.element;
    else if ('type' in type && type.kind !== 'ptr') current = type.type;
    else return true;
  }
  return false;
}
