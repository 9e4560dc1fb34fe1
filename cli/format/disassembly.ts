/**
 * Code as text: instructions with the names they refer to, and the C lines they came from, where these change: in
 * optimized code also from one file to another.
 */

import { printable } from '../../src/diag/index.ts';
import { CodeView, disassemble } from '../../src/isa/index.ts';
import { type BpfObject, type FunctionSymbol, sectionNameOf } from '../../src/object/index.ts';

/** One function after the other, with an empty line between: the text of all code of an object is long. */
export function* disassembleObject(object: BpfObject): Iterable<string> {
  let isFirst = true;
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'function') continue;
    yield `${isFirst ? '' : '\n'}${disassembleFunction(object, symbol)}`;
    isFirst = false;
  }
  if (isFirst) yield '';
}

function disassembleFunction(object: BpfObject, symbol: FunctionSymbol): string {
  const lines = new Map(
    Array.from(symbol.lines, line => [line.insnIndex, `; ${line.file}:${line.line}: ${line.text.trim()}`]),
  );
  const names = new Map(
    symbol.references.map(reference => [reference.insnIndex, targetText(object, reference)]),
  );
  const insns = disassemble(new CodeView(symbol.code, object.byteOrder), {
    symbolAt: index => names.get(index),
  });
  let shown: string | undefined;
  const text = insns.flatMap(insn => {
    const source = lines.get(insn.insnIndex);
    const row = `${String(insn.insnIndex).padStart(6)}:  ${insn.text}`;
    if (source === undefined || source === shown) return [row];
    shown = source;
    return [`        ${source}`, row];
  });
  return printable([`${symbol.name} (section ${sectionNameOf(object, symbol)}):`, ...text].join('\n'));
}

function targetText(object: BpfObject, reference: FunctionSymbol['references'][number]): string {
  const target = object.symbols[reference.symbol];
  const name =
    target?.name === '' || target === undefined ? anonymousName(object, reference.symbol) : target.name;
  return reference.addend === 0 ? name : `${name}+${reference.addend}`;
}

function anonymousName(object: BpfObject, index: number): string {
  const target = object.symbols[index];
  return target === undefined || target.kind === 'extern'
    ? '?'
    : `${sectionNameOf(object, target)}[${index}]`;
}
