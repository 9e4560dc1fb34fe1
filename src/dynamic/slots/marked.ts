/** Slots that say that what replaces them may change packets. */

import { assemble, callSymbol, EXIT } from '../../isa/index.ts';
import type { FunctionSymbol, SymbolIndex } from '../../object/index.ts';
import { neverCalled, type ObjectEdit } from '../stubs/index.ts';

/**
 * `slot(ctx) { if (never) helper(ctx, 0, 0, 0, 0); return slot__own(ctx); }`: the verifier takes note of the
 * helper before it finds the branch dead.
 */
export function putMarkedSlot(
  edit: ObjectEdit,
  index: SymbolIndex,
  slot: FunctionSymbol,
  helper: number,
): void {
  const proto = edit.namedPrototype(slot.btfId);
  const name = `${slot.name}__own`;
  const btfId = edit.functionType(name, proto, 'static', slot.btfId);
  const own = edit.append({ ...slot, name, binding: 'local', btfId });
  const { insns, references } = assemble([...neverCalled(helper), callSymbol(own), EXIT]);
  edit.replaceWithFunction(index, {
    name: slot.name,
    linkage: 'global',
    proto,
    insns,
    references,
    tagsOf: slot.btfId,
  });
}
