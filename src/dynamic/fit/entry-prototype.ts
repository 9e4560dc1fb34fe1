/**
 * Programs with the prototype of the slot that they fill.
 *
 * A slot that is called as the kernel calls programs takes programs of every spelling: `int`, `long` or an enum as
 * result, a context behind `void *` or without a name. As a replacement (freplace) such a program is compared with the
 * slot by the kernel, which compares types as they are written. Its code is the same under the slot's own prototype.
 */

import { BtfBuilder } from '../../btf/index.ts';
import { comparePrototypes, entryObjection, isEntrySlot } from '../../link/index.ts';
import {
  type BpfObject,
  contextParameter,
  type FunctionSymbol,
  prototypeOf,
  REGISTERS_TYPEDEF,
  type SymbolIndex,
  typeBehind,
} from '../../object/index.ts';

/** A slot, and the type of the programs that call it. */
export interface CalledSlot {
  readonly rootlet: BpfObject;
  readonly slot: FunctionSymbol;
  readonly progType: number | undefined;
}

/** Whether the slot takes programs as entry points, however C spells them. */
export function takesEntries({ rootlet, slot, progType }: CalledSlot): boolean {
  return rootlet.btf !== null && isEntrySlot({ btf: rootlet.btf, func: slot.btfId }, progType);
}

/**
 * The component whose program has the slot's prototype, where the slot takes entry points and the program is spelled
 * in another way; else the component itself. So too for programs without an integer as result, which the kernel does
 * not take as replacements, and for slots whose context has no name.
 */
export function withSlotPrototype(called: CalledSlot, component: BpfObject, program: SymbolIndex): BpfObject {
  const { rootlet, slot, progType } = called;
  const symbol = component.symbols[program];
  if (rootlet.btf === null || component.btf === null || symbol?.kind !== 'function') return component;
  if (!takesEntries(called) || symbol.btfId === 0) return component;
  const own = { btf: component.btf, func: symbol.btfId };
  const context = contextParameter(rootlet.btf, slot.btfId, 0, progType);
  if (entryObjection(own, progType) !== undefined || !returnsNumber(component, symbol)) return component;
  if (context?.struct == null || !context.complete || isSpelledAlike(called, component, symbol))
    return component;
  return retyped(called, component, program);
}

function returnsNumber({ btf }: BpfObject, { btfId }: FunctionSymbol): boolean {
  const proto = btf === null ? undefined : prototypeOf(btf, btfId);
  return proto !== undefined && proto.returns !== 0;
}

/** Whether the kernel finds both prototypes equal. */
function isSpelledAlike(called: CalledSlot, { btf }: BpfObject, { btfId }: FunctionSymbol): boolean {
  const { rootlet, slot, progType } = called;
  if (rootlet.btf === null || btf === null) return false;
  const [theirs, own] = [
    { btf: rootlet.btf, func: slot.btfId },
    { btf, func: btfId },
  ];
  const context = contextParameter(btf, btfId, 0, progType);
  if (context?.struct == null || !context.complete) return false;
  return comparePrototypes(theirs, own, { progType, strict: true }) === null;
}

/** The types of an entry point refer to no others: a number, and a struct that counts by its name. */
function retyped(
  { rootlet, slot, progType }: CalledSlot,
  component: BpfObject,
  program: SymbolIndex,
): BpfObject {
  const { btf } = rootlet;
  const proto = btf === null ? undefined : prototypeOf(btf, slot.btfId);
  const param = proto?.params[0];
  const result = btf === null || proto === undefined ? undefined : typeBehind(btf, proto.returns);
  const pointer = btf === null || param === undefined ? undefined : typeBehind(btf, param.type);
  const struct = btf === null || pointer?.kind !== 'ptr' ? undefined : typeBehind(btf, pointer.type);
  const symbol = component.symbols[program];
  if (btf === null || component.btf === null || result === undefined || struct?.kind !== 'struct')
    return component;
  if (param === undefined || symbol?.kind !== 'function') return component;
  const types = new BtfBuilder(component.btf);
  const bare = types.add({ kind: 'struct', name: struct.name, size: 0, members: [] });
  const isTypedef = contextParameter(btf, slot.btfId, 0, progType)?.struct === REGISTERS_TYPEDEF;
  const target = isTypedef ? types.add({ kind: 'typedef', name: REGISTERS_TYPEDEF, type: bare }) : bare;
  const type = types.add({
    kind: 'func_proto',
    returns: types.add(result),
    params: [
      { name: param.name === '' ? 'ctx' : param.name, type: types.add({ kind: 'ptr', type: target }) },
    ],
  });
  const btfId = types.add({ kind: 'func', name: symbol.name, type, linkage: 'global' });
  const symbols = component.symbols.map((one, at) => (at === program ? { ...symbol, btfId } : one));
  return { ...component, symbols, btf: types.build() };
}
