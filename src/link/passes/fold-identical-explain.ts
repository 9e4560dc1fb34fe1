/**
 * The first difference between two definitions of one name, for the problem that explains why they are not
 * merged.
 */

import { type CompareSession, compareTypes } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { counted, quote } from '../../diag/index.ts';
import { CodeView, disassembleAt, OP_LD_IMM64 } from '../../isa/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type DataReference,
  type FunctionSymbol,
  type MapSymbol,
  parseMapDefinition,
  sectionNameOf,
  symbolOf,
  type VariableSymbol,
} from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { disagreement, type SymbolAt, sourceLine } from '../resolve/index.ts';
import { comparableCode, memberPath, type TargetKey, typeDifference } from './fold-identical-classes.ts';

interface Side<S extends BpfSymbol = BpfSymbol> {
  readonly object: BpfObject;
  readonly file: number;
  readonly symbol: S;
  /** Of all comparisons of a link. */
  readonly session: CompareSession;
}

type Pair<S extends BpfSymbol = BpfSymbol> = readonly [Side<S>, Side<S>];

/** Lines that describe the difference, or null if the two are identical. */
export function whyDifferent(
  objects: readonly BpfObject[],
  keyOf: TargetKey,
  first: SymbolAt,
  other: SymbolAt,
  session: CompareSession,
): readonly string[] | null {
  const [a, b] = [sideOf(objects, first, session), sideOf(objects, other, session)];
  // with the text of all other mismatches
  const disagrees = disagreement(objects, first, other, { session });
  if (disagrees !== null) return [`not identical: ${disagrees.message}`];
  const lines: string[] = [];
  let place = 'not identical';
  let pair: Pair | undefined = [a, b];
  for (let depth = 0; pair !== undefined && depth < MAX_DEPTH; depth++) {
    const difference = differenceOf(keyOf, pair);
    if (difference === null) {
      if (depth > 0) lines.push(`${place} is data private to each file`);
      break;
    }
    const [head = '', ...rest] = difference.lines;
    lines.push(`${place}: ${head}`, ...rest);
    pair = difference.behind;
    place = pair === undefined ? '' : `static ${quote(pair[0].symbol.name)}`;
  }
  return lines.length === 0 ? null : lines;
}

/** How many nested static symbols are reported. */
const MAX_DEPTH = 4;

interface Difference {
  readonly lines: readonly string[];
  /** Static symbols that are referred to in the same place: the reason may be in them. */
  readonly behind?: Pair;
}

function differs(...lines: readonly string[]): Difference {
  return { lines };
}

type Target = { readonly symbol: number } | undefined;

function targetIn({ object }: Side, target: Target): BpfSymbol | undefined {
  return target === undefined ? undefined : symbolOf(object, target.symbol);
}

function behindOf([a, b]: Pair, left: Target, right: Target): { readonly behind?: Pair } {
  const [one, two] = [targetIn(a, left), targetIn(b, right)];
  if (one?.binding !== 'local' || two?.binding !== 'local' || one.name !== two.name) return {};
  if (one.kind !== two.kind || one.kind === 'map') return {};
  return {
    behind: [
      { ...a, symbol: one },
      { ...b, symbol: two },
    ],
  };
}

function sideOf(objects: readonly BpfObject[], at: SymbolAt, session: CompareSession): Side {
  const object = elementAt(objects, at.file);
  return { object, file: at.file, symbol: symbolOf(object, at.index), session };
}

/** Kinds are the same where declarations agree. */
function differenceOf(keyOf: TargetKey, pair: Pair): Difference | null {
  if (bothAre(pair, 'function')) return functionDifference(keyOf, pair);
  if (bothAre(pair, 'map')) return mapDifference(keyOf, pair);
  return bothAre(pair, 'variable') ? variableDifference(keyOf, pair) : null;
}

function bothAre<K extends BpfSymbol['kind']>(
  pair: Pair,
  kind: K,
): pair is Pair<Extract<BpfSymbol, { readonly kind: K }>> {
  return pair.every(side => side.symbol.kind === kind);
}

function sections([a, b]: Pair): readonly [string, string] {
  const nameOf = ({ object, symbol }: Side): string => sectionNameOf(object, symbol);
  return [nameOf(a), nameOf(b)];
}

function typesDiffer([a, b]: Pair): Difference | null {
  const difference = typeDifference(a.object, a.symbol, b.object, b.symbol, a.session);
  if (difference === null) return null;
  return differs(`types differ: ${difference}, in ${a.object.name} and ${b.object.name}`);
}

// --- functions ----------------------------------------------------------------------------------------------------

function functionDifference(keyOf: TargetKey, pair: Pair<FunctionSymbol>): Difference | null {
  const [a, b] = pair;
  const names = sections(pair);
  if (names[0] !== names[1])
    return differs(
      `in section ${quote(names[0])} of ${a.object.name} and section ${quote(names[1])} of ${b.object.name}`,
    );
  const codes = [comparableCode(a.object, a.symbol), comparableCode(b.object, b.symbol)] as const;
  const offset = firstDifference(codes[0], codes[1], Math.max(codes[0].length, codes[1].length));
  if (offset >= 0) {
    const insnIndex = startOfInsn(new CodeView(codes[0], a.object.byteOrder), Math.floor(offset / INSN_SIZE));
    return differs(`instruction ${insnIndex} differs`, insnLine(a, insnIndex), insnLine(b, insnIndex));
  }
  return targetsDiffer(keyOf, pair) ?? recordsDiffer(pair) ?? typesDiffer(pair);
}

/**
 * First byte that differs, of `size`; -1 when none does. Without bytes everything is zero; after an end
 * nothing is.
 */
function firstDifference(a: Uint8Array | null, b: Uint8Array | null, size: number): number {
  if (a === null && b === null) return -1;
  for (let at = 0; at < size; at++) if ((a === null ? 0 : a[at]) !== (b === null ? 0 : b[at])) return at;
  return -1;
}

/** `ld_imm64` takes two slots. */
function startOfInsn(code: CodeView, slot: number): number {
  const isSecond = slot > 0 && slot <= code.length && code.opcode(slot - 1) === OP_LD_IMM64;
  return isSecond ? slot - 1 : slot;
}

function insnLine({ object, symbol }: Side<FunctionSymbol>, insnIndex: number): string {
  const code = new CodeView(symbol.code, object.byteOrder);
  if (insnIndex >= code.length) return `${object.name}: ends before it`;
  const target = symbol.references.find(reference => reference.insnIndex === insnIndex)?.symbol;
  const name = target === undefined ? undefined : object.symbols[target]?.name;
  const line = sourceLine(symbol, insnIndex);
  const { text } = disassembleAt(code, insnIndex, name === '' ? undefined : name);
  return `${object.name}: ${text}${line === null ? '' : `, ${line}`}`;
}

function targetsDiffer(keyOf: TargetKey, [a, b]: Pair<FunctionSymbol>): Difference | null {
  const count = Math.max(a.symbol.references.length, b.symbol.references.length);
  for (let position = 0; position < count; position++) {
    const [left, right] = [a.symbol.references[position], b.symbol.references[position]];
    const { insnIndex } = left ?? elementAt(b.symbol.references, position);
    if (
      left !== undefined &&
      right !== undefined &&
      left.insnIndex === right.insnIndex &&
      left.kind === right.kind &&
      left.addend === right.addend &&
      keyOf(a.file, left.symbol) === keyOf(b.file, right.symbol)
    )
      continue;
    return {
      ...differs(
        `what instruction ${insnIndex} refers to differs`,
        `${a.object.name}: ${targetName(a.object, left)}`,
        `${b.object.name}: ${targetName(b.object, right)}`,
      ),
      ...behindOf([a, b], left, right),
    };
  }
  return null;
}

function targetName(
  object: BpfObject,
  reference: { readonly symbol: number; readonly addend: number } | undefined,
): string {
  if (reference === undefined) return 'nothing';
  const target = object.symbols[reference.symbol];
  if (target === undefined || target.kind === 'extern') return quote(target?.name ?? '');
  const section = quote(sectionNameOf(object, target));
  const name = target.name === '' ? `data in section ${section}` : quote(target.name);
  const place = reference.addend === 0 ? '' : `, byte ${reference.addend}`;
  return `${target.binding === 'local' ? 'static ' : ''}${name}${place}`;
}

function recordsDiffer([a, b]: Pair<FunctionSymbol>): Difference | null {
  const textOf = ({ symbol }: Side<FunctionSymbol>): string[] =>
    symbol.coreRecords.map(record => `CO-RE ${record.kind} ${record.access} at ${record.insnIndex}`);
  const [left, right] = [textOf(a), textOf(b)];
  const at = left.findIndex((text, position) => text !== right[position]);
  if (at < 0 && left.length === right.length) return null;
  const position = at < 0 ? left.length : at;
  return differs(
    'CO-RE relocations differ',
    `${a.object.name}: ${left[position] ?? 'none'}`,
    `${b.object.name}: ${right[position] ?? 'none'}`,
  );
}

// --- data ---------------------------------------------------------------------------------------------------------

/** `.data` and `.bss` are one kind: a variable that is zero may be in either. */
function kindOfSection(name: string): string {
  if (name === '.bss' || name.startsWith('.bss.')) return `.data${name.slice('.bss'.length)}`;
  return name;
}

function variableDifference(keyOf: TargetKey, pair: Pair<VariableSymbol>): Difference | null {
  const [a, b] = pair;
  const names = sections(pair);
  if (kindOfSection(names[0]) !== kindOfSection(names[1]))
    return differs(
      `in section ${quote(names[0])} of ${a.object.name} and section ${quote(names[1])} of ${b.object.name}`,
    );
  if (a.symbol.size !== b.symbol.size)
    return differs(
      `${counted(a.symbol.size, 'byte')} in ${a.object.name}, ${counted(b.symbol.size, 'byte')} in ${b.object.name}`,
    );
  const offset = firstDifference(a.symbol.bytes, b.symbol.bytes, a.symbol.size);
  if (offset >= 0) {
    const [left, right] = [hex(a.symbol.bytes?.[offset]), hex(b.symbol.bytes?.[offset])];
    const path = variablePath(a, offset);
    return differs(`byte ${offset}${path} is ${left} in ${a.object.name} and ${right} in ${b.object.name}`);
  }
  return dataTargetsDiffer(keyOf, pair) ?? typesDiffer(pair);
}

function hex(byte: number | undefined): string {
  return `0x${(byte ?? 0).toString(16).padStart(2, '0')}`;
}

function variablePath({ object, symbol }: Side, offset: number): string {
  const type = object.btf === null || symbol.btfId === 0 ? undefined : object.btf.type(symbol.btfId);
  const path = type?.kind === 'var' ? memberPath(object, type.type, offset) : '';
  return path === '' ? '' : ` (${symbol.name}${path})`;
}

function dataTargetsDiffer(keyOf: TargetKey, [a, b]: Pair<VariableSymbol | MapSymbol>): Difference | null {
  const textOf = ({ file, symbol }: Side<VariableSymbol | MapSymbol>): string[] =>
    symbol.references.map(
      (reference: DataReference) =>
        `${reference.offset} ${reference.width} ${reference.kind} ${reference.addend} ${keyOf(file, reference.symbol)}`,
    );
  const [left, right] = [textOf(a), textOf(b)];
  const count = Math.max(left.length, right.length);
  for (let position = 0; position < count; position++) {
    if (left[position] === right[position]) continue;
    const references = [a.symbol.references[position], b.symbol.references[position]];
    const { offset } = references[0] ?? elementAt(b.symbol.references, position);
    return {
      ...differs(
        `the value at byte ${offset}${variablePath(a, offset)} refers to different targets`,
        `${a.object.name}: ${targetName(a.object, references[0])}`,
        `${b.object.name}: ${targetName(b.object, references[1])}`,
      ),
      ...behindOf([a, b], references[0], references[1]),
    };
  }
  return null;
}

// --- maps ---------------------------------------------------------------------------------------------------------

/** Definitions agree by the rules of linking; keys, values and initial contents must be the same too. */
function mapDifference(keyOf: TargetKey, pair: Pair<MapSymbol>): Difference | null {
  const [a, b] = pair;
  const [left, right] = [parseMapDefinition(a.object, a.symbol), parseMapDefinition(b.object, b.symbol)];
  for (const [what, idA, idB] of [
    ['key', left.keyType, right.keyType],
    ['value', left.valueType, right.valueType],
  ] as const) {
    if (a.object.btf === null || b.object.btf === null || idA === 0 || idB === 0) continue;
    const mismatch = compareTypes(a.object.btf, idA, b.object.btf, idB, {
      strict: true,
      session: a.session,
    });
    if (mismatch !== null)
      return differs(
        `${what} types differ: ${mismatch.path === '' ? '' : `${mismatch.path}: `}${mismatch.left} in ${a.object.name}, ${mismatch.right} in ${b.object.name}`,
      );
  }
  return dataTargetsDiffer(keyOf, pair);
}
