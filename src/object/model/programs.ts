/**
 * Which functions are programs. Separate from the model, because the answer follows conventions of loaders and
 * not the form of the object: the name of the section and the binding of the symbol.
 */

import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  type SymbolIndex,
  sectionNameOf,
} from './model.ts';

/**
 * Whether a code section holds subprograms: `.text`, and `.text.NAME` of compilers that put each function
 * into a section of its own (`-ffunction-sections`, Rust).
 */
export function isTextSection(name: string): boolean {
  return name === '.text' || name.startsWith('.text.');
}

/** A program is a global function outside `.text` and `.text.NAME`: what libbpf's loader would load. */
export function isProgram(object: BpfObject, symbol: BpfSymbol): symbol is FunctionSymbol {
  return (
    symbol.kind === 'function' && isProgramPlace(isTextSection(sectionNameOf(object, symbol)), symbol.binding)
  );
}

/** The same of a function in a section. `isText`: the section holds subprograms. */
export function isProgramPlace(isText: boolean, binding: BpfSymbol['binding']): boolean {
  return !isText && binding !== 'local';
}

/** All programs with their symbol indexes, in symbol order. */
export function programsOf(
  object: BpfObject,
): { readonly index: SymbolIndex; readonly program: FunctionSymbol }[] {
  return object.symbols.flatMap((symbol, index) =>
    isProgram(object, symbol) ? [{ index, program: symbol }] : [],
  );
}

/** Whether it is a function, global or static, in a section that loaders take programs from. */
export function isInProgramSection(object: BpfObject, symbol: BpfSymbol): symbol is FunctionSymbol {
  return symbol.kind === 'function' && !isTextSection(sectionNameOf(object, symbol));
}

/**
 * Static functions in program sections that no code refers to, in symbol order: programs by their place that
 * no loader can load. One that is called is a subprogram. The contents of a map do not count: what an array
 * of programs names is meant as a program.
 */
export function staticPrograms(object: BpfObject): readonly FunctionSymbol[] {
  return staticsOfPrograms(object).flatMap(({ symbol, isUsed }) =>
    isUsed || symbol.name === '' ? [] : [symbol],
  );
}

/** Static functions in program sections that code refers to: subprograms, which libbpf takes from `.text` only. */
export function staticSubprograms(object: BpfObject): readonly FunctionSymbol[] {
  return staticsOfPrograms(object).flatMap(({ symbol, isUsed }) => (isUsed ? [symbol] : []));
}

function staticsOfPrograms(object: BpfObject): readonly { symbol: FunctionSymbol; isUsed: boolean }[] {
  const statics = object.symbols.flatMap((symbol, index) =>
    isInProgramSection(object, symbol) && symbol.binding === 'local' ? [{ symbol, index }] : [],
  );
  if (statics.length === 0) return [];
  const used = new Set<SymbolIndex>();
  object.symbols.forEach((user, by) => {
    if (user.kind === 'extern' || user.kind === 'map') return;
    for (const { symbol } of user.references) if (symbol !== by) used.add(symbol);
  });
  return statics.map(({ symbol, index }) => ({ symbol, isUsed: used.has(index) }));
}
