/**
 * One BPF function as the compiler sees it: its instructions, what they refer to, and how places in it are
 * named in errors.
 */

import type { LineRecord, LineRecords } from '../../../btf/index.ts';
import { type CodeOf, inputError, quote, type RootletError } from '../../../diag/index.ts';
import { CodeView } from '../../../isa/index.ts';
import {
  type BpfObject,
  type CodeReference,
  type FunctionSymbol,
  jumpTargets,
  type SymbolIndex,
} from '../../../object/index.ts';

export interface CodeUnit {
  readonly symbol: SymbolIndex;
  readonly function: FunctionSymbol;
  readonly code: CodeView;
  /** By `insnIndex`. */
  readonly references: ReadonlyMap<number, CodeReference>;
  /** Slots that its jump tables lead to, in order. */
  readonly jumpTargets: readonly number[];
}

export function codeUnit(object: BpfObject, symbol: SymbolIndex, fn: FunctionSymbol): CodeUnit {
  const references = new Map(fn.references.map(reference => [reference.insnIndex, reference]));
  return {
    symbol,
    function: fn,
    code: new CodeView(fn.code, object.byteOrder),
    references,
    jumpTargets: jumpTargets(object, symbol),
  };
}

/** Places from outside in, for `Problem.where`. */
export function placeOf(objectName: string, unit: CodeUnit, insnIndex: number): readonly string[] {
  return [objectName, `function ${quote(unit.function.name)}`, `insn ${insnIndex}`];
}

/** An error at one instruction; the C line, where known, follows the message. */
export function codeError(
  code: CodeOf<'input'>,
  objectName: string,
  unit: CodeUnit,
  insnIndex: number,
  message: string,
  extras: { readonly hint?: string; readonly details?: readonly string[] } = {},
): RootletError {
  const line = lineAt(unit.function.lines, insnIndex);
  const text = line === undefined ? message : `${message}; ${formatLine(line)}`;
  return inputError(code, placeOf(objectName, unit, insnIndex), text, extras);
}

/** The last record that starts at or before the instruction. */
export function lineAt(lines: LineRecords, insnIndex: number): LineRecord | undefined {
  let found: LineRecord | undefined;
  for (const line of lines) {
    if (line.insnIndex > insnIndex) break;
    found = line;
  }
  return found;
}

/**
 * `file.bpf.c:31: if (ip->saddr == x)`; the file without its directories, which belong to the compiling
 * machine.
 */
export function formatLine(line: LineRecord): string {
  const file = line.file.slice(line.file.lastIndexOf('/') + 1);
  const text = line.text.trim();
  return text === '' ? `${file}:${line.line}` : `${file}:${line.line}: ${text}`;
}
