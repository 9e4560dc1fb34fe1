/** Which programs of a consumer reach a function, and how much stack they have in use when they do. */

import { CodeView, stackDepth } from '../../isa/index.ts';
import {
  type BpfObject,
  type FunctionSymbol,
  type ProgramType,
  programsOf,
  programTypeOf,
  type SymbolIndex,
  sectionOf,
} from '../../object/index.ts';
import { closureOf } from './effects.ts';

export interface Caller {
  readonly index: SymbolIndex;
  readonly program: FunctionSymbol;
  /** Undefined when its section does not say it. */
  readonly type: ProgramType | undefined;
}

/** Type of a program whose section does not say it; as in `LoadOptions`. */
export type TypeOf = (name: string, section: string) => ProgramType | undefined;

/** Programs from which calls lead to symbol `target`, in symbol order. */
export function callersOf(object: BpfObject, target: SymbolIndex, typeOf?: TypeOf): Caller[] {
  return programsOf(object).flatMap(({ index, program }): Caller[] => {
    const reached = closureOf(object, index).some(at => refersTo(object, at, target));
    if (!reached) return [];
    const section = sectionOf(object, program)?.name ?? '';
    return [{ index, program, type: typeOf?.(program.name, section) ?? programTypeOf(section) }];
  });
}

/** The program type of all callers; undefined when there is none, or several. */
export function commonProgType(callers: readonly Caller[]): number | undefined {
  const types = new Set(callers.map(({ type }) => type?.progType));
  return types.size === 1 ? callers[0]?.type?.progType : undefined;
}

function refersTo(object: BpfObject, from: SymbolIndex, target: SymbolIndex): boolean {
  const symbol = object.symbols[from];
  return symbol?.kind === 'function' && symbol.references.some(reference => reference.symbol === target);
}

/** Whether the address of a symbol is taken otherwise than to ask whether a weak one is there. */
export function isHandedOn(object: BpfObject, target: SymbolIndex): boolean {
  if (object.symbols[target]?.binding === 'weak') return false;
  return object.symbols.some(
    symbol =>
      symbol.kind === 'function' &&
      symbol.references.some(reference => reference.symbol === target && reference.kind === 'address'),
  );
}

/** The kernel rounds each frame up, at least to this. */
const STACK_ROUNDING = 16;

/**
 * Bytes of stack that are in use, at most, when `target` is called from `root`: all frames but its own. A lower bound,
 * as far as stack use is plain to see. `path` by name.
 */
export function stackBefore(
  object: BpfObject,
  root: SymbolIndex,
  target: SymbolIndex,
): { readonly bytes: number; readonly path: readonly string[] } {
  const before = new Map<SymbolIndex, { readonly bytes: number; readonly from: SymbolIndex }>([
    [root, { bytes: 0, from: -1 }],
  ]);
  const work: SymbolIndex[] = [root];
  // longest paths grow a bounded number of times: a cycle, which the kernel refuses, ends at the kernel's limit
  for (let index = work.shift(); index !== undefined; index = work.shift()) {
    const symbol = object.symbols[index];
    if (symbol?.kind !== 'function') continue;
    const bytes = (before.get(index)?.bytes ?? 0) + frameOf(object, symbol);
    if (bytes > MAX_STACK) continue;
    for (const callee of new Set(symbol.references.map(reference => reference.symbol))) {
      if ((before.get(callee)?.bytes ?? -1) >= bytes) continue;
      before.set(callee, { bytes, from: index });
      work.push(callee);
    }
  }
  const path: string[] = [];
  let at = before.get(target)?.from ?? -1;
  for (let step = 0; at >= 0 && step < MAX_STACK; step++) {
    path.unshift(object.symbols[at]?.name ?? '');
    at = at === root ? -1 : (before.get(at)?.from ?? -1);
  }
  return { bytes: before.get(target)?.bytes ?? 0, path };
}

const MAX_STACK = 512;

function frameOf(object: BpfObject, symbol: FunctionSymbol): number {
  const depth = stackDepth(new CodeView(symbol.code, object.byteOrder));
  return Math.ceil(Math.max(depth, 1) / STACK_ROUNDING) * STACK_ROUNDING;
}
