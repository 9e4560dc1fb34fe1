/**
 * Code as text: instructions with the names they refer to, and the C lines they came from, where these change: in
 * optimized code also from one file to another.
 */

import { joinBlocks, joinLines, type Lines, line } from '../../src/diag/index.ts';
import { CodeView, disassemble } from '../../src/isa/index.ts';
import { type BpfObject, type FunctionSymbol, referenceText, sectionNameOf } from '../../src/object/index.ts';

/** One function after the other, with an empty line between: the text of all code of an object is long. */
export function* disassembleObject(object: BpfObject): Iterable<Lines> {
  let isFirst = true;
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'function') continue;
    const text = disassembleFunction(object, symbol);
    yield isFirst ? text : joinBlocks([line(''), text]);
    isFirst = false;
  }
  if (isFirst) yield line('');
}

function disassembleFunction(object: BpfObject, symbol: FunctionSymbol): Lines {
  const lines = new Map(
    Array.from(symbol.lines, line => [line.insnIndex, `; ${line.file}:${line.line}: ${line.text.trim()}`]),
  );
  const names = new Map(
    symbol.references.map(reference => [reference.insnIndex, referenceText(object, reference)]),
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
  return joinLines([`${symbol.name} (section ${sectionNameOf(object, symbol)}):`, ...text]);
}
