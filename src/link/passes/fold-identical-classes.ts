/**
 * Which static functions and read-only data of several files are equal.
 *
 * Partition refinement (`partition.ts`): symbols of equal name, section, contents, positions of references and types
 * start in one class, and a class is split while references of its members lead to different classes. Members of the
 * final classes are equal, also where functions call each other in cycles. Global symbols are compared by
 * name: they are the same in every file, or the link fails. Writable data is only equal to itself, and so are
 * constants that a loader may set (volatile).
 */

import {
  type BtfId,
  type CompareSession,
  compareTypes,
  sizeOfType,
  skipModifiers,
  toRaw,
  typeOutline,
} from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { RootletError } from '../../diag/index.ts';
import { CodeView, OP_LD_IMM64 } from '../../isa/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type FunctionSymbol,
  type SymbolIndex,
  sectionNameOf,
  symbolOf,
} from '../../object/index.ts';
import { BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET } from '../../uapi/index.ts';
import { entryAt, type SymbolAt, symbolAt } from '../resolve/index.ts';
import { type Edge, refine } from './partition.ts';

/** What a reference to a symbol means: equal texts, equal targets. */
export type TargetKey = (file: number, index: SymbolIndex) => string;

export interface StaticClasses {
  readonly keyOf: TargetKey;
  /** Members of each class in input order; only classes with several. */
  readonly equal: readonly (readonly SymbolAt[])[];
}

export function classifyStatics(objects: readonly BpfObject[], session: CompareSession): StaticClasses {
  const nodes = foldableStatics(objects);
  const numbers = objects.map(object => new Int32Array(object.symbols.length).fill(-1));
  nodes.forEach(({ file, index }, number) => {
    elementAt(numbers, file)[index] = number;
  });
  const classOf = firstClasses(objects, nodes, numbers, session);
  refine(classOf, edgesOf(objects, nodes, numbers));
  const keyOf: TargetKey = (file, index) => {
    const node = entryAt(numbers, { file, index });
    return node < 0 ? fixedKey(objects, { file, index }) : `#${elementAt(classOf, node)}`;
  };
  return { keyOf, equal: severalOf(nodes, classOf) };
}

/** What a reference to a symbol means that is not folded itself. */
function fixedKey(objects: readonly BpfObject[], at: SymbolAt): string {
  const symbol = symbolAt(objects, at);
  return symbol.binding === 'local' ? `${at.file}:${at.index}` : `=${symbol.name}`;
}

/** Classes by everything but references to each other. */
function firstClasses(
  objects: readonly BpfObject[],
  nodes: readonly SymbolAt[],
  numbers: readonly Int32Array[],
  session: CompareSession,
): Int32Array {
  const fixed: TargetKey = (file, index) =>
    entryAt(numbers, { file, index }) < 0 ? fixedKey(objects, { file, index }) : '#';
  const shapes = groupBy(nodes, at => shapeOf(objects, at));
  const classes = splitByTypes(objects, shapes, session).flatMap(members =>
    members.length < 2 ? [members] : groupBy(members, at => targetsOf(objects, at, fixed)),
  );
  const classOf = new Int32Array(nodes.length);
  classes.forEach((members, number) => {
    for (const at of members) classOf[entryAt(numbers, at)] = number;
  });
  return classOf;
}

/** References among what may be folded. */
function edgesOf(
  objects: readonly BpfObject[],
  nodes: readonly SymbolAt[],
  numbers: readonly Int32Array[],
): Edge[] {
  return nodes.flatMap((at, from) => {
    const symbol = symbolAt(objects, at);
    if (symbol.kind === 'extern') return [];
    return symbol.references.flatMap((reference, place) => {
      const to = entryAt(numbers, { file: at.file, index: reference.symbol });
      return to < 0 ? [] : [{ from, place, to }];
    });
  });
}

/** Classes with several members, in order of their first. */
function severalOf(nodes: readonly SymbolAt[], classOf: Int32Array): (readonly SymbolAt[])[] {
  const classes = new Map<number, SymbolAt[]>();
  nodes.forEach((at, node) => {
    const number = elementAt(classOf, node);
    const known = classes.get(number);
    if (known === undefined) classes.set(number, [at]);
    else known.push(at);
  });
  return [...classes.values()].filter(members => members.length > 1);
}

/** Groups in order of their first members. */
function groupBy(nodes: readonly SymbolAt[], keyOf: (at: SymbolAt) => string): SymbolAt[][] {
  const groups = new Map<string, SymbolAt[]>();
  for (const at of nodes) {
    const key = keyOf(at);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [at]);
    else group.push(at);
  }
  return [...groups.values()];
}

// --- what may be equal --------------------------------------------------------------------------------------------

function foldableStatics(objects: readonly BpfObject[]): SymbolAt[] {
  return objects.flatMap((object, file) =>
    object.symbols.flatMap((symbol, index) => (isFoldable(object, symbol) ? [{ file, index }] : [])),
  );
}

function isFoldable(object: BpfObject, symbol: BpfSymbol): boolean {
  if (symbol.binding !== 'local') return false;
  if (symbol.kind === 'function') return symbol.name !== '';
  if (symbol.kind !== 'variable' || symbol.bytes === null) return false;
  return sectionNameOf(object, symbol).startsWith('.rodata') && !isVolatile(object, symbol.btfId);
}

/** `const volatile` is set by loaders, separately for each file. */
function isVolatile(object: BpfObject, btfId: BtfId): boolean {
  const variable = object.btf === null || btfId === 0 ? undefined : object.btf.type(btfId);
  if (object.btf === null || variable?.kind !== 'var') return false;
  for (let id = variable.type, step = 0; id !== 0 && step < 64; step++) {
    const type = object.btf.type(id);
    if (type.kind === 'volatile') return true;
    if (type.kind === 'array') id = type.element;
    else if (type.kind === 'const' || type.kind === 'typedef' || type.kind === 'type_tag') id = type.type;
    else return false;
  }
  return false;
}

/** A key of everything but targets of references; of types their outlines. */
function shapeOf(objects: readonly BpfObject[], at: SymbolAt): string {
  const object = objects[at.file];
  const symbol = object?.symbols[at.index];
  if (object === undefined || symbol === undefined || symbol.kind === 'extern') return '';
  const section = sectionNameOf(object, symbol);
  const parts =
    symbol.kind === 'function'
      ? [
          textOfBytes(comparableCode(object, symbol)),
          ...symbol.references.map(one => `${one.insnIndex} ${one.kind} ${one.addend}`),
          '',
          ...symbol.coreRecords.map(
            one => `${one.insnIndex} ${one.kind} ${one.access} ${outlineIn(object, one.type)}`,
          ),
        ]
      : [
          String(symbol.align),
          textOfBytes(symbol.bytes ?? new Uint8Array(0)),
          ...symbol.references.map(one => `${one.offset} ${one.width} ${one.kind} ${one.addend}`),
        ];
  return JSON.stringify([symbol.kind, symbol.name, section, outlineIn(object, symbol.btfId), ...parts]);
}

/** '' without a type. */
function outlineIn({ btf }: BpfObject, id: BtfId): string {
  return btf === null || id === 0 ? '' : typeOutline(toRaw(btf), id);
}

function textOfBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The code without the type ids in it. */
export function comparableCode(object: BpfObject, symbol: FunctionSymbol): Uint8Array {
  const ids = symbol.coreRecords.filter(
    record => record.kind === BPF_CORE_TYPE_ID_LOCAL || record.kind === BPF_CORE_TYPE_ID_TARGET,
  );
  if (ids.length === 0) return symbol.code;
  const code = new CodeView(symbol.code.slice(), object.byteOrder);
  for (const { insnIndex } of ids)
    if (insnIndex < code.length && code.opcode(insnIndex) === OP_LD_IMM64) code.setImm(insnIndex, 0);
  return code.bytes;
}

// --- types --------------------------------------------------------------------------------------------------------

function splitByTypes(
  objects: readonly BpfObject[],
  groups: readonly SymbolAt[][],
  session: CompareSession,
): SymbolAt[][] {
  return groups.flatMap(members => {
    const parts: SymbolAt[][] = [];
    for (const at of members) {
      const part = parts.find(([first]) => first !== undefined && sameTypes(objects, first, at, session));
      if (part === undefined) parts.push([at]);
      else part.push(at);
    }
    return parts;
  });
}

function sameTypes(
  objects: readonly BpfObject[],
  a: SymbolAt,
  b: SymbolAt,
  session: CompareSession,
): boolean {
  const [left, right] = [elementAt(objects, a.file), elementAt(objects, b.file)];
  return typeDifference(left, symbolOf(left, a.index), right, symbolOf(right, b.index), session) === null;
}

/**
 * How the types of two symbols and of their CO-RE records, of which they have equally many, differ, strictly;
 * null when they agree.
 */
export function typeDifference(
  left: BpfObject,
  a: BpfSymbol,
  right: BpfObject,
  b: BpfSymbol,
  session: CompareSession,
): string | null {
  session.take(1);
  const pairs: [BtfId, BtfId][] = [[a.btfId, b.btfId]];
  if (a.kind === 'function' && b.kind === 'function')
    a.coreRecords.forEach((record, position) => {
      pairs.push([record.type, elementAt(b.coreRecords, position).type]);
    });
  for (const [idA, idB] of pairs) {
    if (idA === 0 && idB === 0) continue;
    if (left.btf === null || right.btf === null || idA === 0 || idB === 0) return 'only one has BTF';
    const mismatch = compareTypes(left.btf, idA, right.btf, idB, { strict: true, session });
    if (mismatch !== null)
      return `${mismatch.path === '' ? '' : `${mismatch.path}: `}${mismatch.left} and ${mismatch.right}`;
  }
  return null;
}

// --- references ---------------------------------------------------------------------------------------------------

function targetsOf(objects: readonly BpfObject[], at: SymbolAt, keyOf: TargetKey): string {
  const symbol = symbolAt(objects, at);
  if (symbol.kind === 'extern') return '';
  return symbol.references.map(reference => keyOf(at.file, reference.symbol)).join('\n');
}

/** Path to the byte `offset` of a value, such as `.limits[1]`; '' where it is unknown. */
export function memberPath(object: BpfObject, type: BtfId, offset: number): string {
  try {
    return object.btf === null ? '' : walkTo(object.btf, type, offset);
  } catch (error) {
    if (error instanceof RootletError) return '';
    throw error;
  }
}

function walkTo(btf: NonNullable<BpfObject['btf']>, start: BtfId, offset: number): string {
  let path = '';
  let rest = offset;
  for (let id = skipModifiers(btf, start), depth = 0; id !== 0 && depth < 64; depth++) {
    const type = btf.type(id);
    if (type.kind === 'array') {
      const size = sizeOfType(btf, type.element);
      path += `[${size === 0 ? 0 : Math.floor(rest / size)}]`;
      rest = size === 0 ? 0 : rest % size;
      id = skipModifiers(btf, type.element);
    } else if (type.kind === 'struct' || type.kind === 'union') {
      const member = type.members.findLast(candidate => candidate.bitOffset <= rest * 8 + 7);
      if (member === undefined) return path;
      path += member.name === '' ? '' : `.${member.name}`;
      rest -= Math.floor(member.bitOffset / 8);
      id = skipModifiers(btf, member.type);
    } else return path;
  }
  return path;
}
