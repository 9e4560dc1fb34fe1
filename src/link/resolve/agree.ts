/**
 * Type agreement: every symbol of a name must agree with the chosen one.
 *
 * Functions and variables are compared through BTF, maps by their complete definitions. A mismatch shows both
 * sides as C, the first path at which they differ, and both files.
 */

import { compareTypes, type TypeMismatch } from '../../btf/index.ts';
import { elementAt, valueAt } from '../../bytes/index.ts';
import { type Problem, type ProblemCode, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  hasKnownType,
  isCommon,
  type MapDefinition,
  parseMapDefinition,
  sectionNameOf,
  variableSize,
} from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';
import { formatMapDefinition } from './format-map.ts';
import { describeDefinition } from './problems.ts';
import { isKernelName, type Resolution } from './resolve.ts';
import { type SymbolAt, symbolAt } from './symbol-at.ts';

/**
 * All mismatches, in order of first appearance of the names. `isJudged`: definitions that another pass
 * compares and reports with a hint.
 */
export function checkAgreement(
  objects: readonly BpfObject[],
  resolution: Resolution,
  isJudged: (at: SymbolAt) => boolean = () => false,
): Problem[] {
  const problems: Problem[] = [];
  for (const group of resolution.groups) {
    if (group.losers.length + group.externs.length === 0) continue;
    for (const other of [...group.losers, ...group.externs]) {
      if (isJudged(other)) continue;
      const problem = disagreement(objects, group.winner, other);
      if (problem !== null) problems.push(problem);
    }
  }
  return problems;
}

export interface AgreementRules {
  /** Their names may differ. */
  readonly renamed?: boolean;
  /** Parameters (from 0) of functions that the caller has compared. */
  readonly agreed?: ReadonlySet<number>;
}

/** The mismatch of two symbols, from the point of view of the second file. */
export function disagreement(
  objects: readonly BpfObject[],
  winner: SymbolAt,
  other: SymbolAt,
  { renamed = false, agreed = new Set() }: AgreementRules = {},
): Problem | null {
  const [left, right] = [symbolAt(objects, winner), symbolAt(objects, other)];
  const [leftObject, rightObject] = [elementAt(objects, winner.file), elementAt(objects, other.file)];
  const sides = { left, right, leftObject, rightObject, renamed, agreed };
  const mismatch = guarded(sides, () => mismatchOf(sides));
  if (mismatch === null) return null;
  return problem(
    mismatch.code,
    [rightObject.name],
    `${quote(right.name)} does not agree with its ${left.kind === 'extern' ? 'declaration' : 'definition'} in ${leftObject.name}: ${mismatch.text}`,
    {
      subject: right.name,
      details: [
        ...(mismatch.shown ?? [describeDefinition(objects, winner), describeDefinition(objects, other)]),
        ...mismatch.details,
      ],
    },
  );
}

interface Sides {
  readonly left: BpfSymbol;
  readonly right: BpfSymbol;
  readonly leftObject: BpfObject;
  readonly rightObject: BpfObject;
  readonly renamed: boolean;
  readonly agreed: ReadonlySet<number>;
}

interface Mismatch {
  readonly code: ProblemCode;
  readonly text: string;
  readonly details: readonly string[];
  /** Both sides, where their declarations alone would not show the difference. */
  readonly shown?: readonly string[];
}

/** A map definition that cannot be read is a mismatch with its own message. */
function guarded(sides: Sides, body: () => Mismatch | null): Mismatch | null {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return {
      code: error.code,
      text: error.message,
      details: [`while comparing ${sides.leftObject.name} and ${sides.rightObject.name}`],
    };
  }
}

function mismatchOf(sides: Sides): Mismatch | null {
  const { left, right } = sides;
  const kinds = [kindOf(sides.leftObject, left), kindOf(sides.rightObject, right)];
  if (kinds[0] !== kinds[1] && kinds[0] !== null && kinds[1] !== null)
    return {
      code: 'link-kind-mismatch',
      text: `it is a ${kinds[1]} here and a ${kinds[0]} there`,
      details: [],
    };
  const [there, here] = [kernelPlaceOf(left), kernelPlaceOf(right)];
  if (there !== null && here !== null && there !== here)
    return {
      code: 'link-kind-mismatch',
      text: `the kernel's ${here} here, its ${there} there`,
      details: [],
    };
  if (kinds.includes(null)) return null;
  return kinds[0] === 'map' ? mapMismatch(sides) : typeMismatch(sides);
}

/** What an extern of the section is. */
const KERNEL_PLACES: ReadonlyMap<string, string> = new Map([
  ['.ksyms', 'symbol (__ksym)'],
  ['.kconfig', 'configuration value (__kconfig)'],
]);

function kernelPlaceOf(symbol: BpfSymbol): string | null {
  const section = symbol.kind === 'extern' ? symbol.section : null;
  return section === null || !isKernelName(symbol) ? null : valueAt(KERNEL_PLACES, section);
}

/** Null for an extern without a type that no code calls: it may be anything. */
function kindOf(object: BpfObject, symbol: BpfSymbol): 'function' | 'variable' | 'map' | null {
  if (symbol.kind !== 'extern') return symbol.kind;
  if (symbol.section === '.maps') return 'map';
  if (object.btf === null || symbol.btfId === 0) return isCalled(object, symbol) ? 'function' : null;
  return object.btf.type(symbol.btfId).kind === 'func' ? 'function' : 'variable';
}

function isCalled(object: BpfObject, callee: BpfSymbol): boolean {
  return object.symbols.some(
    symbol =>
      symbol.kind === 'function' &&
      symbol.references.some(({ kind, symbol: to }) => kind === 'call' && object.symbols[to] === callee),
  );
}

function typeMismatch(sides: Sides): Mismatch | null {
  const { left, right, leftObject, rightObject } = sides;
  if (isCommon(left) || isCommon(right)) return commonMismatch(left, right);
  if (!hasKnownType(leftObject, left) || !hasKnownType(rightObject, right)) return sizeMismatch(sides);
  if (leftObject.btf === null || rightObject.btf === null) return null;
  const [leftType, rightType] = [
    comparedType(sides, leftObject, left),
    comparedType(sides, rightObject, right),
  ];
  const mismatch = compareTypes(leftObject.btf, leftType, rightObject.btf, rightType, {
    agreed: sides.agreed,
  });
  return mismatch === null ? null : describeMismatch('link-type-mismatch', mismatch);
}

/** FUNC and VAR carry a name; where names may differ, only their types are compared. */
function comparedType(sides: Sides, object: BpfObject, symbol: BpfSymbol): number {
  const type = object.btf?.type(symbol.btfId);
  return sides.renamed && (type?.kind === 'func' || type?.kind === 'var') ? type.type : symbol.btfId;
}

/** A tentative definition has no type to compare; the chosen definition must be at least as large. */
function commonMismatch(winner: BpfSymbol, other: BpfSymbol): Mismatch | null {
  if (winner.kind !== 'variable' || other.kind !== 'variable' || winner.size >= other.size) return null;
  return { code: 'link-common-size', text: `${other.size} bytes here, ${winner.size} there`, details: [] };
}

/** Of variables of which one side has no type, the sizes must agree as far as they are known. */
function sizeMismatch({ left, right, leftObject, rightObject }: Sides): Mismatch | null {
  const [there, here] = [knownSize(leftObject, left), knownSize(rightObject, right)];
  if (there === 0 || here === 0 || there === here) return null;
  return { code: 'link-type-mismatch', text: `${here} bytes here, ${there} there`, details: [] };
}

/** Bytes of a variable; 0 for a function, and for what has no known size. */
function knownSize({ btf }: BpfObject, symbol: BpfSymbol): number {
  if (symbol.kind === 'variable') return symbol.size;
  if (symbol.kind !== 'extern' || btf === null || symbol.btfId === 0) return 0;
  return variableSize(btf, symbol.btfId);
}

function describeMismatch(code: ProblemCode, mismatch: TypeMismatch): Mismatch {
  const place = mismatch.path === '' ? '' : `${mismatch.path}: `;
  return { code, text: `${place}${mismatch.right} here, ${mismatch.left} there`, details: [] };
}

// --- maps ---------------------------------------------------------------------------------------------------------

function mapMismatch(sides: Sides): Mismatch | null {
  const { left, right, leftObject, rightObject } = sides;
  if ((left.kind !== 'map' && left.kind !== 'extern') || (right.kind !== 'map' && right.kind !== 'extern'))
    return null;
  const definitions = [parseMapDefinition(leftObject, left), parseMapDefinition(rightObject, right)] as const;
  const mismatch = compareMaps(sides, definitions[0], definitions[1], '');
  if (mismatch === null) return null;
  const show = (object: BpfObject, symbol: BpfSymbol, map: MapDefinition): string =>
    `${object.name}: ${symbol.kind === 'extern' ? 'extern ' : ''}${formatMapDefinition(object, map)}`;
  const shown = [show(leftObject, left, definitions[0]), show(rightObject, right, definitions[1])];
  return { ...mismatch, shown };
}

const COMPARED = [
  'type',
  'keySize',
  'valueSize',
  'maxEntries',
  'flags',
  'mapExtra',
  'numaNode',
  'pinning',
  'holdsPrograms',
] as const;
const FIELD_NAMES: Readonly<Record<(typeof COMPARED)[number], string>> = {
  type: 'type',
  keySize: 'key_size',
  valueSize: 'value_size',
  maxEntries: 'max_entries',
  flags: 'map_flags',
  mapExtra: 'map_extra',
  numaNode: 'numa_node',
  pinning: 'pinning',
  holdsPrograms: 'values',
};

function compareMaps(
  sides: Sides,
  left: MapDefinition,
  right: MapDefinition,
  prefix: string,
): Mismatch | null {
  for (const field of COMPARED) {
    if (left[field] === right[field]) continue;
    const [here, there] = [fieldText(field, right), fieldText(field, left)];
    return {
      code: 'link-map-mismatch',
      text: `${prefix}${FIELD_NAMES[field]} is ${here} here and ${there} there`,
      details: [],
    };
  }
  return compareMapTypes(sides, left, right, prefix) ?? compareInner(sides, left, right, prefix);
}

function fieldText(field: (typeof COMPARED)[number], map: MapDefinition): string {
  if (field === 'type') return mapTypeName(map.type);
  if (field === 'pinning')
    return map.pinning === 1 ? 'by name' : map.pinning === 0 ? 'none' : `${map.pinning}`;
  if (field === 'holdsPrograms') return map.holdsPrograms ? 'programs' : 'no programs';
  return field === 'flags' ? `0x${map[field].toString(16)}` : String(map[field]);
}

function compareMapTypes(
  sides: Sides,
  left: MapDefinition,
  right: MapDefinition,
  prefix: string,
): Mismatch | null {
  for (const field of ['keyType', 'valueType'] as const) {
    const what = `${prefix}${field === 'keyType' ? 'key' : 'value'}`;
    if ((left[field] === 0) !== (right[field] === 0)) {
      const side = left[field] === 0 ? 'only here' : 'only there';
      return { code: 'link-map-mismatch', text: `the ${what} type is given ${side}`, details: [] };
    }
    if (left[field] === 0 || sides.leftObject.btf === null || sides.rightObject.btf === null) continue;
    const mismatch = compareTypes(sides.leftObject.btf, left[field], sides.rightObject.btf, right[field]);
    if (mismatch !== null)
      return describeMismatch('link-map-mismatch', {
        ...mismatch,
        path: `${what}${mismatch.path === '' ? '' : `: ${mismatch.path}`}`,
      });
  }
  return null;
}

function compareInner(
  sides: Sides,
  left: MapDefinition,
  right: MapDefinition,
  prefix: string,
): Mismatch | null {
  if (left.inner === null && right.inner === null) return null;
  if (left.inner === null || right.inner === null) {
    return {
      code: 'link-map-mismatch',
      text: `${prefix}an inner map is defined only ${left.inner === null ? 'here' : 'there'}`,
      details: [],
    };
  }
  return compareMaps(sides, left.inner, right.inner, `${prefix}inner map: `);
}

/** Name of the section that a symbol is in or, for an extern, would be in; for messages. */
export function expectedSectionOf(object: BpfObject, symbol: BpfSymbol): string {
  return symbol.kind === 'extern' ? (symbol.section ?? '') : sectionNameOf(object, symbol);
}
