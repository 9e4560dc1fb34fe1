/** A linked object as the page shows it. */

import { disassembleObject } from '../../../cli/format/disassembly.ts';
import { formatNames } from '../../../cli/format/link-map.ts';
import { printableName } from '../../../src/diag/index.ts';
import {
  type Discarded,
  discardText,
  type LinkReport,
  type RelinkReport,
  type ReportedSymbol,
} from '../../../src/link/index.ts';
import { type BpfObject, programsOf, writeObject } from '../../../src/object/index.ts';
import type { CodeView, DiscardedView, LimitView, LinkView, SectionView, SymbolView } from '../messages.ts';
import { graphOf } from './call-graph.ts';

/** Of symbols that the link itself made. */
const GENERATED = '(generated)';

export function viewOfLink(object: BpfObject, report: LinkReport | RelinkReport): LinkView {
  const symbols = report.symbols.map(symbolView);
  const originOf = originsIn(object, symbols);
  return {
    bytes: new Uint8Array(writeObject(object)),
    inputs: report.inputs.map(({ name }) => printableName(name)),
    sections: sectionViews(symbols),
    symbols,
    discarded: report.discarded.map(discardedView),
    renames: formatNames(report),
    limits: 'limits' in report ? report.limits.map(limitView) : [],
    notes: report.notes,
    license: report.license,
    types: report.types,
    graph: graphOf(object, originOf),
    code: codeOf(object, originOf),
    programs: programsOf(object).map(({ program }) => program.name),
  };
}

/** The report has the symbols with a name, in their order. */
function originsIn(object: BpfObject, symbols: readonly SymbolView[]): (index: number) => string {
  const named = object.symbols.flatMap((symbol, index) => (symbol.name === '' ? [] : [index]));
  const origins = new Map(named.map((index, at) => [index, symbols[at]?.from ?? GENERATED]));
  return index => origins.get(index) ?? GENERATED;
}

function symbolView({ name, kind, declaration, binding, section, size, file }: ReportedSymbol): SymbolView {
  return {
    name: printableName(name),
    kind,
    declaration,
    binding,
    section: printableName(section),
    size,
    from: file === '' ? GENERATED : printableName(file),
  };
}

function sectionViews(symbols: readonly SymbolView[]): SectionView[] {
  const sections = new Map<string, Map<string, number>>();
  for (const { section, from, size, kind } of symbols) {
    if (kind === 'extern' || size === 0) continue;
    const parts = sections.get(section) ?? new Map<string, number>();
    sections.set(section, parts.set(from, (parts.get(from) ?? 0) + size));
  }
  return [...sections].map(([name, parts]) => ({
    name,
    size: [...parts.values()].reduce((sum, size) => sum + size, 0),
    parts: [...parts].map(([from, size]) => ({ from, size })),
  }));
}

function discardedView(discarded: Discarded): DiscardedView {
  const { name, kind, file, size } = discarded;
  return { name: printableName(name), kind, size, from: printableName(file), why: discardText(discarded) };
}

function limitView({ program, frames, stack, functions, maps }: RelinkReport['limits'][number]): LimitView {
  return {
    program: printableName(program),
    rows: [
      ['call frames', frames.used, frames.allowed],
      ['bytes of stack', stack.used, stack.allowed],
      ['functions', functions.used, functions.allowed],
      ['maps', maps.used, maps.allowed],
    ],
  };
}

function codeOf(object: BpfObject, originOf: (index: number) => string): CodeView[] {
  const functions = object.symbols.flatMap((symbol, index) => (symbol.kind === 'function' ? [index] : []));
  const texts = functions.length === 0 ? [] : [...disassembleObject(object)];
  return functions.map((index, at) => ({
    name: printableName(object.symbols[index]?.name ?? ''),
    from: originOf(index),
    lines: linesOf(texts[at] ?? ''),
  }));
}

function linesOf(text: string): CodeView['lines'] {
  const lines = text.split('\n').filter(line => line !== '');
  return lines.map((line, at) => {
    if (at === 0) return { kind: 'head', text: line };
    return { kind: line.trimStart().startsWith(';') ? 'source' : 'insn', text: line };
  });
}
