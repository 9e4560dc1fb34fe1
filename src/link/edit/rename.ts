/**
 * New names: single ones (`redefineSymbols`) and all that an object defines (`prefixSymbols`).
 *
 * References follow by themselves, since they name symbols, not strings. What cannot be allowed is that two
 * definitions of one object get one name; a definition and an extern may, and the extern is then satisfied.
 */

import { elementAt } from '../../bytes/index.ts';
import { didYouMean, type Problem, problem, quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  RUN_CONFIG_SECTION,
  type SymbolIndex,
  sectionOf,
  symbolOf,
} from '../../object/index.ts';
import { editSymbols, isPinned, KERNEL_NAME_LENGTH, pruneObject } from '../passes/index.ts';
import { disagreement, isSingle } from '../resolve/index.ts';

/** What an operation on one object gives. */
export interface Edited {
  /** The object, changed as far as possible. */
  readonly object: BpfObject;
  /** All that is wrong with what was requested. */
  readonly problems: readonly Problem[];
  /** What a user should know although nothing is wrong. */
  readonly notes: readonly string[];
}

export interface SymbolRename {
  readonly from: string;
  readonly to: string;
}

/**
 * Gives symbols other names, all at once, so that two may change places. Static ones of that name are meant
 * too.
 */
export function redefineSymbols(object: BpfObject, renames: readonly SymbolRename[]): Edited {
  const problems: Problem[] = [];
  const table = new Map<string, string>();
  for (const { from, to } of renames) {
    const known = table.get(from);
    const refused =
      known !== undefined && known !== to
        ? renamedTwice(object.name, from, [known, to])
        : (badName(object.name, to) ??
          (hasName(object, from) ? null : noSuchSymbol(object, from, 'rename', namesOf(object))));
    if (refused === null) table.set(from, to);
    else problems.push(refused);
  }
  if (problems.length > 0) return { object, problems, notes: [] };
  return renameAll(object, symbol => table.get(symbol.name) ?? symbol.name);
}

/**
 * Puts `prefix` before the global names that the object defines, programs and maps included. References to
 * them follow; externs keep their names, unless they are in `names`: what the other members of an archive
 * define.
 */
export function prefixSymbols(
  object: BpfObject,
  prefix: string,
  names: ReadonlySet<string> = new Set(),
): Edited {
  const bad = badName(object.name, prefix);
  if (bad !== null) return { object, problems: [bad], notes: [] };
  const own = new Set([...names, ...definedNames(object)]);
  return renameAll(object, symbol =>
    symbol.binding !== 'local' && own.has(symbol.name) && !isSingle(object, symbol)
      ? `${prefix}${symbol.name}`
      : symbol.name,
  );
}

function definedNames(object: BpfObject): string[] {
  return object.symbols.flatMap(symbol =>
    symbol.kind !== 'extern' && symbol.binding !== 'local' ? [symbol.name] : [],
  );
}

/** Renames what gets another name, unless two definitions would meet. */
export function renameAll(object: BpfObject, nameOf: (symbol: BpfSymbol) => string): Edited {
  const edits = new Map<SymbolIndex, { readonly name: string }>();
  object.symbols.forEach((symbol, index) => {
    const name = symbol.name === '' ? '' : nameOf(symbol);
    if (name !== symbol.name) edits.set(index, { name });
  });
  followPrograms(object, edits);
  if (edits.size === 0) return { object, problems: [], notes: [] };
  const problems = clashes(object, edits);
  if (problems.length > 0) return { object, problems, notes: [] };
  const renamed = editSymbols(object, edits);
  const united = uniteNames(renamed, new Set([...edits.values()].map(edit => edit.name)));
  const changed = [...edits.keys()];
  return { ...united, notes: [...movedPins(object, renamed, changed), ...longMapNames(renamed, changed)] };
}

/** The run configuration of a program that gets another name gets the name that belongs to it. */
function followPrograms(object: BpfObject, edits: Map<SymbolIndex, { readonly name: string }>): void {
  if (!object.sections.some(section => section.name === RUN_CONFIG_SECTION)) return;
  const programs = new Map<string, string>();
  for (const [index, { name }] of edits) {
    const symbol = object.symbols[index];
    if (symbol?.kind === 'function') programs.set(`_${symbol.name}`, `_${name}`);
  }
  object.symbols.forEach((symbol, index) => {
    const name =
      sectionOf(object, symbol)?.name === RUN_CONFIG_SECTION ? programs.get(symbol.name) : undefined;
    if (name !== undefined) edits.set(index, { name });
  });
}

/** The name of a pinned map is that of its pin, which changes as well. */
function movedPins(before: BpfObject, after: BpfObject, renamed: readonly SymbolIndex[]): string[] {
  return renamed.flatMap(index => {
    const [was, is] = [before.symbols[index], after.symbols[index]];
    if (was === undefined || is === undefined || !isPinned(after, is)) return [];
    return [
      `${after.name}: map ${quote(was.name)} is pinned; its pin is renamed to ${quote(is.name)} as well`,
    ];
  });
}

function longMapNames(object: BpfObject, renamed: readonly SymbolIndex[]): string[] {
  return renamed.flatMap(index => {
    const symbol = object.symbols[index];
    if (symbol?.kind !== 'map' || symbol.name.length <= KERNEL_NAME_LENGTH) return [];
    return [
      `${object.name}: kernels show map ${quote(symbol.name)} as ${quote(symbol.name.slice(0, KERNEL_NAME_LENGTH))}: they keep ${KERNEL_NAME_LENGTH} characters`,
    ];
  });
}

// --- names that meet ----------------------------------------------------------------------------------------------

/** Definitions that had different names and would get one. */
function clashes(object: BpfObject, edits: ReadonlyMap<SymbolIndex, { readonly name: string }>): Problem[] {
  const wanted = new Set([...edits.values()].map(edit => edit.name));
  const before = new Map<string, string>();
  const problems: Problem[] = [];
  const told = new Set<string>();
  object.symbols.forEach((symbol, index) => {
    const name = edits.get(index)?.name ?? symbol.name;
    if (symbol.kind === 'extern' || !wanted.has(name)) return;
    const other = before.get(name);
    if (other === undefined) before.set(name, symbol.name);
    else if (other !== symbol.name && !told.has(name)) {
      told.add(name);
      problems.push(nameTaken(object.name, name, [other, symbol.name]));
    }
  });
  return problems;
}

function nameTaken(file: string, name: string, [first, second]: readonly [string, string]): Problem {
  const isFirst = first === name;
  const [old, other] = [isFirst ? second : first, isFirst ? first : second];
  const reason =
    other === name ? 'which it defines already' : `and so would ${quote(other)}: one of them has to stay`;
  return problem('link-name-taken', [file], `${quote(old)} would get the name ${quote(name)}, ${reason}`, {
    subject: old,
    hint: 'choose an unused name, or rename the other one too',
  });
}

/**
 * Symbols that have one of the names now: a definition takes the externs, otherwise the first extern the
 * others.
 */
function uniteNames(object: BpfObject, names: ReadonlySet<string>): Omit<Edited, 'notes'> {
  const replacements = new Map<SymbolIndex, SymbolIndex>();
  const edits = new Map<SymbolIndex, Pick<BpfSymbol, 'binding' | 'visibility'>>();
  const problems: Problem[] = [];
  for (const members of globalsOf(object, names).values()) {
    const stays = members.find(index => symbolOf(object, index).kind !== 'extern') ?? elementAt(members, 0);
    for (const index of members) {
      if (index === stays || symbolOf(object, index).kind !== 'extern') continue;
      replacements.set(index, stays);
      const problem = disagreement([object], { file: 0, index: stays }, { file: 0, index });
      if (problem !== null) problems.push(problem);
    }
    if (members.some(index => replacements.has(index))) edits.set(stays, standingOf(object, members, stays));
  }
  if (replacements.size === 0 || problems.length > 0) return { object, problems };
  const keep = object.symbols.map((_, index) => !replacements.has(index));
  const united = pruneObject(editSymbols(object, edits), keep, { pruneTypes: false, replacements });
  return { object: united.object, problems };
}

function globalsOf(object: BpfObject, names: ReadonlySet<string>): Map<string, SymbolIndex[]> {
  const groups = new Map<string, SymbolIndex[]>();
  object.symbols.forEach((symbol, index) => {
    if (symbol.binding === 'local' || !names.has(symbol.name)) return;
    const group = groups.get(symbol.name);
    if (group === undefined) groups.set(symbol.name, [index]);
    else group.push(index);
  });
  return groups;
}

/** As between files: hidden when any is, and of externs strong when any is. */
function standingOf(
  object: BpfObject,
  members: readonly SymbolIndex[],
  stays: SymbolIndex,
): Pick<BpfSymbol, 'binding' | 'visibility'> {
  const all = members.map(index => symbolOf(object, index));
  const symbol = symbolOf(object, stays);
  const strong = all.some(member => member.binding !== 'weak');
  const binding = symbol.kind === 'extern' ? (strong ? 'global' : 'weak') : symbol.binding;
  return { binding, visibility: all.some(member => member.visibility === 'hidden') ? 'hidden' : 'default' };
}

// --- problems that all operations have ----------------------------------------------------------------------------

export function hasName(object: BpfObject, name: string): boolean {
  return name !== '' && object.symbols.some(symbol => symbol.name === name);
}

/** Names in an object, for suggestions. */
export function namesOf(object: BpfObject): string[] {
  return [...new Set(object.symbols.map(symbol => symbol.name).filter(name => name !== ''))];
}

/** A name that should be there. `verb` is what was to be done with it. */
export function noSuchSymbol(
  object: { readonly name: string } | null,
  name: string,
  verb: string,
  candidates: readonly string[],
): Problem {
  return problem(
    'link-unknown-symbol',
    object === null ? [] : [object.name],
    `cannot ${verb} ${quote(name)}: there is no such symbol`,
    {
      subject: name,
      ...didYouMean(name, candidates),
    },
  );
}

export function renamedTwice(file: string | null, from: string, to: readonly string[]): Problem {
  return problem(
    'link-rename-twice',
    file === null ? [] : [file],
    `${quote(from)} cannot become both ${to.map(quote).join(' and ')}`,
    { subject: from },
  );
}

/** What BTF takes for a name of a function or variable. */
export function isIdentifier(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
    const digit = code >= 0x30 && code <= 0x39;
    if (!letter && !(at > 0 && digit)) return false;
  }
  return name !== '';
}

export function badName(file: string | null, name: string): Problem | null {
  if (isIdentifier(name)) return null;
  return problem(
    'link-bad-name',
    file === null ? [] : [file],
    `${quote(name)} cannot be the name of a symbol`,
    { subject: name, hint: 'letters, digits and _, as in C' },
  );
}
