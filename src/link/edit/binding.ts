/**
 * Binding and visibility of symbols: local, global, weak, hidden; ELF binding and BTF linkage are changed
 * together.
 *
 * What a loader has to find cannot become static: programs, maps (libbpf refuses static ones) and functions
 * that are exception callbacks of a program.
 */

import {
  type Problem,
  type ProblemCode,
  type ProblemExtras,
  ProblemList,
  problem,
  quote,
} from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  exceptionCallbacks,
  isMetadata,
  isProgram,
  type SymbolIndex,
  sectionNameOf,
} from '../../object/index.ts';
import { editSymbols, type SymbolEdit } from '../passes/index.ts';
import { type Edited, isIdentifier, namesOf, noSuchSymbol } from './rename.ts';

/** Makes global functions and variables static. One that is static already stays so. */
export function localizeSymbols(object: BpfObject, names: readonly string[]): Edited {
  const callbacks = new Set([...exceptionCallbacks(object.btf).values()].flat());
  return changeBinding(object, names, {
    verb: 'localize',
    refuse: symbol => localizeProblem(object, symbol, callbacks),
    edit: { binding: 'local', visibility: 'default' },
  });
}

/** Makes static functions and variables global. */
export function globalizeSymbols(object: BpfObject, names: readonly string[]): Edited {
  return changeBinding(object, names, {
    verb: 'globalize',
    applies: symbol => symbol.binding === 'local',
    refuse: (symbol, index) => globalizeProblem(object, symbol, index),
    edit: { binding: 'global' },
  });
}

/**
 * Hides symbols: loaders make hidden functions static, so that the verifier need not check them on their own.
 */
export function hideSymbols(object: BpfObject, names: readonly string[]): Edited {
  return changeBinding(object, names, {
    verb: 'hide',
    applies: symbol => symbol.binding !== 'local',
    edit: { visibility: 'hidden' },
  });
}

/** Makes definitions and references weak. */
export function weakenSymbols(object: BpfObject, names: readonly string[]): Edited {
  return changeBinding(object, names, {
    verb: 'weaken',
    refuse: symbol =>
      symbol.binding === 'local'
        ? refusal(
            object,
            'link-weaken-static',
            symbol,
            'weak',
            'it is static, so no other definition can override it',
          )
        : null,
    edit: { binding: 'weak' },
  });
}

/**
 * Localizes every global function and variable but those in `names`. Programs, maps, exception callbacks and
 * variables that loaders look for (license, struct_ops) stay as they are.
 */
export function keepGlobalSymbols(object: BpfObject, names: readonly string[]): Edited {
  const kept = new Set(names);
  const unknown = names.filter(name => !isDefined(object, name));
  const callbacks = new Set([...exceptionCallbacks(object.btf).values()].flat());
  const edits = new Map<SymbolIndex, SymbolEdit>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.kind === 'extern' || symbol.binding === 'local' || kept.has(symbol.name)) return;
    if (isMetadata(object, index) || localizeProblem(object, symbol, callbacks) !== null) return;
    edits.set(index, { binding: 'local', visibility: 'default' });
  });
  return {
    object: unknown.length > 0 ? object : editSymbols(object, edits),
    problems: unknown.map(name => noSuchSymbol(object, name, 'keep', namesOf(object))),
    notes: [],
  };
}

function isDefined(object: BpfObject, name: string): boolean {
  return object.symbols.some(
    symbol => symbol.kind !== 'extern' && symbol.binding !== 'local' && symbol.name === name,
  );
}

interface Change {
  readonly verb: string;
  readonly edit: SymbolEdit;
  /** Symbols that need the change. Default: all of the name. */
  readonly applies?: (symbol: BpfSymbol) => boolean;
  readonly refuse?: (symbol: BpfSymbol, index: SymbolIndex) => Problem | null;
}

function changeBinding(object: BpfObject, names: readonly string[], change: Change): Edited {
  const problems = new ProblemList();
  const edits = new Map<SymbolIndex, SymbolEdit>();
  for (const name of new Set(names)) {
    const found = object.symbols.flatMap((symbol, index) =>
      symbol.name === name && name !== '' ? [{ symbol, index }] : [],
    );
    if (found.length === 0) problems.add([noSuchSymbol(object, name, change.verb, namesOf(object))]);
    for (const { symbol, index } of found) {
      if (change.applies?.(symbol) === false) continue;
      const refused = change.refuse?.(symbol, index) ?? null;
      if (refused === null) edits.set(index, change.edit);
      else problems.add([refused]);
    }
  }
  const edited = problems.isEmpty ? editSymbols(object, edits) : object;
  return { object: edited, problems: problems.all, notes: [] };
}

// --- reasons ------------------------------------------------------------------------------------------------------

function refusal(
  object: BpfObject,
  code: ProblemCode,
  symbol: BpfSymbol,
  what: string,
  why: string,
  extras: ProblemExtras = {},
): Problem {
  return problem(code, [object.name], `${quote(symbol.name)} cannot become ${what}: ${why}`, {
    subject: symbol.name,
    ...extras,
  });
}

function localizeProblem(
  object: BpfObject,
  symbol: BpfSymbol,
  callbacks: ReadonlySet<string>,
): Problem | null {
  const refuse = (code: ProblemCode, why: string): Problem => refusal(object, code, symbol, 'static', why);
  if (symbol.binding === 'local') return null;
  if (symbol.kind === 'extern') return refuse('link-localize-extern', 'it is not defined here');
  if (symbol.kind === 'map')
    return refuse('link-localize-map', 'it is a map, and loaders refuse static ones');
  if (symbol.kind === 'function' && callbacks.has(symbol.name))
    return refuse('link-localize-callback', 'it is the exception callback of a program');
  if (isProgram(object, symbol)) {
    const section = quote(sectionNameOf(object, symbol));
    return refuse('link-localize-program', `it is a program (section ${section}), which loaders must find`);
  }
  return null;
}

function globalizeProblem(object: BpfObject, symbol: BpfSymbol, index: SymbolIndex): Problem | null {
  const refuse = (code: ProblemCode, why: string, extras: ProblemExtras): Problem =>
    refusal(object, code, symbol, 'global', why, extras);
  const others = object.symbols.filter(
    (other, position) => other.name === symbol.name && other.kind !== 'extern' && position !== index,
  );
  if (others.length > 0) {
    const all = object.symbols.filter(other => other.name === symbol.name);
    return refuse('link-globalize-ambiguous', `${all.length} symbols have that name`, {
      details: all.map(other => describeOrigin(object, other)),
      hint: 'specify FILE:NAME, or rename one',
    });
  }
  if (!isIdentifier(symbol.name))
    return refuse('link-scoped-name', 'compilers generate such names for static variables of functions', {
      hint: 'rename it first',
    });
  return null;
}

function describeOrigin(object: BpfObject, symbol: BpfSymbol): string {
  if (symbol.kind === 'extern') return `${object.name}: extern`;
  const binding = symbol.binding === 'local' ? 'static' : symbol.binding;
  return `${symbol.origin.file}: ${binding} ${symbol.kind}`;
}
