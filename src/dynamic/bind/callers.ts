/** Which programs of a consumer reach a function, and of which types they are. */

import {
  type BpfObject,
  type FunctionSymbol,
  callersOf as functionsThatReach,
  type ProgramType,
  programsOf,
  programTypeOf,
  type SymbolIndex,
  sectionNameOf,
} from '../../object/index.ts';

export interface Caller {
  readonly index: SymbolIndex;
  readonly program: FunctionSymbol;
  /** Undefined if its section does not specify it. */
  readonly type: ProgramType | undefined;
}

/** Type of a program whose section does not specify it; as in `LoadOptions`. */
export type TypeOf = (name: string, section: string) => ProgramType | undefined;

/** Programs from which calls lead to symbol `target`, in symbol order. */
export function callersOf(object: BpfObject, target: SymbolIndex, typeOf?: TypeOf): Caller[] {
  const reaching = functionsThatReach(object, [target]);
  return programsOf(object).flatMap(({ index, program }): Caller[] => {
    if (!reaching.has(index)) return [];
    const section = sectionNameOf(object, program);
    return [{ index, program, type: typeOf?.(program.name, section) ?? programTypeOf(section) }];
  });
}

/** The program type of all callers; undefined when there is none, or several. */
export function commonProgType(callers: readonly Caller[]): number | undefined {
  const types = new Set(callers.map(({ type }) => type?.progType));
  return types.size === 1 ? callers[0]?.type?.progType : undefined;
}

/** Whether the address of a symbol is taken other than to test whether a weak symbol is defined. */
export function isHandedOn(object: BpfObject, target: SymbolIndex): boolean {
  if (object.symbols[target]?.binding === 'weak') return false;
  return object.symbols.some(
    symbol =>
      symbol.kind === 'function' &&
      symbol.references.some(reference => reference.symbol === target && reference.kind === 'address'),
  );
}
