/** Problems of symbols: both sides of every clash, with files, lines and prototypes. */

import { type AroundName, aroundLinked, type LineRecord, type RawBtf, toRaw } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { type Problem, problem, quote } from '../../diag/index.ts';
import { type BpfObject, type BpfSymbol, type FunctionSymbol, sectionNameOf } from '../../object/index.ts';
import type { SymbolAt } from './symbol-at.ts';
import { inputName } from './symbol-at.ts';

export function symbolAt(objects: readonly BpfObject[], at: SymbolAt): BpfSymbol | undefined {
  return objects[at.file]?.symbols[at.index];
}

/** What a driver adds to the problem of a name that several inputs define. */
export interface DuplicateAdvice {
  /** Lines after those of the definitions. */
  readonly details: readonly string[];
  readonly hint: string;
}

export const GENERAL_ADVICE: DuplicateAdvice = {
  details: [],
  hint: 'make all but one of them static or __weak, or rename one when linking (--redefine-sym FILE:OLD=NEW)',
};

export function duplicateProblem(
  objects: readonly BpfObject[],
  name: string,
  definitions: readonly SymbolAt[],
  advice: DuplicateAdvice = GENERAL_ADVICE,
): Problem {
  const files = definitions.map(at => inputName(objects, at.file));
  return problem('link-duplicate', [elementAt(files, 1)], `${quote(name)} is defined more than once`, {
    subject: name,
    details: [...definitions.map(at => describeDefinition(objects, at)), ...advice.details],
    hint: advice.hint,
  });
}

/** `first.o: int foo(struct xdp_md *ctx) in section "xdp", first.bpf.c:12`. */
export function describeDefinition(objects: readonly BpfObject[], at: SymbolAt): string {
  const object = objects[at.file];
  const symbol = object?.symbols[at.index];
  if (object === undefined || symbol === undefined) return '';
  const section = symbol.kind === 'extern' ? '' : ` in section ${quote(sectionNameOf(object, symbol))}`;
  const line = symbol.kind === 'function' ? ownLine(symbol) : undefined;
  const source = line === undefined ? '' : `, ${tidyPath(line.file)}:${line.line}`;
  return `${object.name}: ${describeSymbol(object, symbol)}${section}${source}`;
}

/** A symbol as C: its prototype or declaration, or just its name when there are no types. */
export function describeSymbol(object: Pick<BpfObject, 'btf'>, symbol: DeclaredSymbol): string {
  const btf = object.btf === null ? null : toRaw(object.btf);
  const { before, after, isTyped } = aroundSymbol(btf, symbol);
  if (after === undefined) return before;
  return `${before}${btf !== null && isTyped ? btf.nameOf(symbol.btfId) : symbol.name}${after}`;
}

/** What a declaration shows of a symbol. */
type DeclaredSymbol = Pick<BpfSymbol, 'kind' | 'name' | 'binding' | 'btfId'>;

/** A symbol as C without its name. */
export interface AroundSymbol extends AroundName {
  /** Whether the name in between is that of its type; else it is that of the symbol. */
  readonly isTyped: boolean;
}

/** What `describeSymbol` puts before and after the name: the same for all symbols of a kind, binding and type. */
export function aroundSymbol(btf: RawBtf | null, symbol: Omit<DeclaredSymbol, 'name'>): AroundSymbol {
  const weak = symbol.binding === 'weak' ? '__weak ' : '';
  const prefix = `${symbol.kind === 'extern' ? EXTERN : ''}${weak}`;
  const typed = btf === null || symbol.btfId === 0 ? undefined : aroundLinked(btf, symbol.btfId);
  if (typed === undefined) return { before: prefix, after: '', isTyped: false };
  const { before, after } = typed;
  const plain = before.startsWith(EXTERN) ? before.slice(EXTERN.length) : before;
  return { before: `${prefix}${plain}`, after, isTyped: true };
}

const EXTERN = 'extern ';

/**
 * `foo.bpf.c:12: return bar();` for the line that an instruction belongs to, or null without line
 * information.
 */
export function sourceLine(symbol: FunctionSymbol, insnIndex: number): string | null {
  let found: LineRecord | undefined;
  for (const line of symbol.lines) {
    if (line.insnIndex > insnIndex) break;
    found = line;
  }
  return found === undefined ? null : `${tidyPath(found.file)}:${found.line}: ${found.text.trim()}`;
}

/** Where a function is in its source: code inlined from headers may come before its own first line. */
function ownLine(symbol: FunctionSymbol): LineRecord | undefined {
  for (const line of symbol.lines) if (!line.file.endsWith('.h')) return line;
  return symbol.lines.at(0);
}

/** A path as compilers record it, without the `./` before it. */
function tidyPath(path: string): string {
  let start = 0;
  while (path.startsWith('./', start)) start += 2;
  return path.slice(start);
}
