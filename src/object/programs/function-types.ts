/**
 * Types for functions that have none: from assembly, from a compiler without `-g`, stripped.
 *
 * What is known of such a function is its section. A program is called by the kernel, with its context in r1
 * and its verdict in r0; of any other function neither parameters nor result are known. The kernel takes types
 * of functions for all functions of a program or for none, and libbpf refuses a program of which only some
 * functions have records.
 */

import { BtfBuilder, type BtfId, INT } from '../../btf/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  isProgram,
  type SymbolIndex,
  sectionNameOf,
} from '../model/index.ts';
import { prototypeOf } from './context-parameters.ts';
import { contextNameOf, REGISTERS_TYPEDEF } from './context-structs.ts';
import { programTypeOf } from './section-names.ts';

/** Whether any function has a type. */
export function hasFunctionTypes(object: BpfObject): boolean {
  return object.symbols.some(symbol => symbol.kind === 'function' && symbol.btfId !== 0);
}

/**
 * Whether the type of a symbol was given by its author. The one that `withAllFunctionTypes` gives a global
 * function says nothing: `int name(void)`, and static, which no compiler says of a global function.
 */
export function hasKnownType({ btf }: BpfObject, { kind, btfId, binding }: BpfSymbol): boolean {
  if (btf === null || btfId === 0) return false;
  const type = btf.type(btfId);
  if (kind !== 'function' || binding === 'local' || type.kind !== 'func' || type.linkage !== 'static')
    return true;
  return prototypeOf(btf, btfId)?.params.length !== 0;
}

/**
 * The object with a type for each program that has none: `int name(struct xdp_md *ctx)`, with the context of
 * its section. `isWanted`: which programs, by symbol index; default all.
 */
export function withEntryTypes(
  object: BpfObject,
  isWanted: (program: SymbolIndex) => boolean = () => true,
): BpfObject {
  return withTypes(object, (symbol, index) => isProgram(object, symbol) && isWanted(index));
}

/** The kernel takes callbacks only of programs whose functions have types (`missing btf func_info`). */
function handsOutFunctions({ symbols }: BpfObject): boolean {
  return symbols.some(
    symbol =>
      symbol.kind === 'function' &&
      symbol.references.some(
        ({ kind, symbol: to }) => kind === 'address' && symbols[to]?.kind === 'function',
      ),
  );
}

/**
 * An object of which some functions have types or are callbacks, with types and line records for all of them:
 * otherwise, and if all have types, the object itself. A function that is not a program gets the type `int name(void)` and is
 * static there, so that the kernel verifies it where it is called, as it does without types.
 */
export function withAllFunctionTypes(object: BpfObject): BpfObject {
  if (!hasFunctionTypes(object) && !handsOutFunctions(object)) return object;
  const described = withTypes(object, () => true);
  if (!described.symbols.some(hasLines)) return described;
  if (described.symbols.every(symbol => symbol.kind !== 'function' || hasLines(symbol))) return described;
  const symbols = described.symbols.map(symbol =>
    symbol.kind === 'function' && !hasLines(symbol) ? { ...symbol, lines: [NO_LINE] } : symbol,
  );
  return { ...described, symbols };
}

/** The record of a function whose source is not known. */
const NO_LINE = { insnIndex: 0, file: '', text: '', line: 0, column: 0 } as const;

function hasLines(symbol: BpfSymbol): boolean {
  return symbol.kind === 'function' && symbol.lines.length > 0;
}

function withTypes(
  object: BpfObject,
  isWanted: (symbol: BpfSymbol, index: SymbolIndex) => boolean,
): BpfObject {
  const lacksType = (symbol: BpfSymbol, index: SymbolIndex): boolean =>
    symbol.kind === 'function' && symbol.btfId === 0 && symbol.name !== '' && isWanted(symbol, index);
  if (!object.symbols.some(lacksType)) return object;
  const types = new FunctionTypes(object.btf === null ? new BtfBuilder() : new BtfBuilder(object.btf));
  const symbols = object.symbols.map((symbol, index) =>
    lacksType(symbol, index) ? { ...symbol, btfId: types.of(object, symbol) } : symbol,
  );
  return { ...object, symbols, btf: types.build() };
}

class FunctionTypes {
  readonly #builder: BtfBuilder;
  readonly #prototypes = new Map<string | null, BtfId>();
  #int: BtfId = 0;

  constructor(builder: BtfBuilder) {
    this.#builder = builder;
  }

  /** A new FUNC. */
  of(object: BpfObject, symbol: BpfSymbol): BtfId {
    const isEntry = isProgram(object, symbol);
    const type = isEntry ? this.#entry(sectionNameOf(object, symbol)) : this.#prototype(null, () => []);
    return this.#builder.add({
      kind: 'func',
      name: symbol.name,
      type,
      linkage: isEntry ? 'global' : 'static',
    });
  }

  build() {
    return this.#builder.build();
  }

  /** `int (struct CONTEXT *ctx)`; a pointer to void where the context has no struct of its own. */
  #entry(section: string): BtfId {
    const program = programTypeOf(section);
    const known = program === undefined ? undefined : contextNameOf(program.progType);
    const context = known === REGISTERS_TYPEDEF || known === undefined ? null : known;
    return this.#prototype(`context ${context}`, () => {
      const target =
        context === null ? 0 : this.#builder.add({ kind: 'struct', name: context, size: 0, members: [] });
      return [{ name: 'ctx', type: this.#builder.add({ kind: 'ptr', type: target }) }];
    });
  }

  #prototype(key: string | null, params: () => readonly { name: string; type: BtfId }[]): BtfId {
    const known = this.#prototypes.get(key);
    if (known !== undefined) return known;
    this.#int ||= this.#builder.add(INT);
    const id = this.#builder.add({ kind: 'func_proto', returns: this.#int, params: params() });
    this.#prototypes.set(key, id);
    return id;
  }
}
