/**
 * Type agreement: every symbol of a name must agree with the chosen one.
 *
 * Functions and variables are compared through BTF, maps by their complete definitions. A mismatch shows both
 * sides as C, the first path at which they differ, and both files.
 */

import { type CompareSession, compareSession, compareTypes } from '../../btf/index.ts';
import { elementAt, valueAt } from '../../bytes/index.ts';
import { counted, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  declaredKind,
  hasKnownType,
  isCommon,
  parseMapDefinition,
  type SymbolKind,
  sectionNameOf,
  variableSize,
} from '../../object/index.ts';
import { describeMismatch, type Mismatch, mapMismatch, type Sides } from './agree-maps.ts';
import * as kernels from './checks.kernel.ts';
import { faultsOf, RowPlaces } from './columns.ts';
import { LINK_FAULT } from './faults.ts';
import { describeDefinition } from './problems.ts';
import { isKernelName, type Resolution } from './resolve.ts';
import { findSameTypes } from './same-types.ts';
import { type SymbolAt, symbolAt } from './symbol-at.ts';

/**
 * All mismatches, in order of first appearance of the names, without names that clash: which definition is
 * meant is unknown. `isJudged`: definitions that another pass
 * compares and reports with a hint.
 */
export function checkAgreement(
  objects: readonly BpfObject[],
  { columns }: Resolution,
  isJudged: (at: SymbolAt) => boolean = () => false,
): Problem[] {
  const { image, request } = columns;
  findSameTypes(columns);
  const faults = faultsOf(image, LINK_FAULT.agreement, () => image.run(kernels).findDisagreement(request));
  if (faults.length === 0) return [];
  const places = new RowPlaces(columns);
  const session = compareSession();
  return faults.flatMap(({ a, b }) => {
    const other = places.at(b);
    return isJudged(other) ? [] : (disagreement(objects, places.at(a), other, { session }) ?? []);
  });
}

export interface AgreementRules {
  /** Their names may differ. */
  readonly renamed?: boolean;
  /** Parameters (from 0) of functions that the caller has compared. */
  readonly agreed?: ReadonlySet<number>;
  /** Of other comparisons of these objects. */
  readonly session?: CompareSession;
}

/** The mismatch of two symbols, from the point of view of the second file. */
export function disagreement(
  objects: readonly BpfObject[],
  winner: SymbolAt,
  other: SymbolAt,
  { renamed = false, agreed = new Set(), session }: AgreementRules = {},
): Problem | null {
  const [left, right] = [symbolAt(objects, winner), symbolAt(objects, other)];
  const [leftObject, rightObject] = [elementAt(objects, winner.file), elementAt(objects, other.file)];
  const sides = { left, right, leftObject, rightObject, renamed, agreed, session };
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
  const kinds = kindsOf(sides);
  if (kinds.left !== kinds.right) return kindMismatch(kinds);
  const [there, here] = [kernelPlaceOf(left), kernelPlaceOf(right)];
  if (there !== null && here !== null && there !== here)
    return {
      code: 'link-kind-mismatch',
      text: `the kernel's ${here} here, its ${there} there`,
      details: [],
    };
  if (kinds.left === undefined) return null;
  return kinds.left === 'map' && !isUntyped(left) && !isUntyped(right)
    ? mapMismatch(sides)
    : typeMismatch(sides);
}

interface Kinds {
  readonly left: SymbolKind | undefined;
  readonly right: SymbolKind | undefined;
}

/**
 * The definition gives the kind. An extern without BTF is what it refers to (how it is used is checked for
 * each reference), and an extern variable whose type defines a map may be a map: the section that holds a
 * definition need not be repeated.
 */
function kindsOf({ left, right, leftObject, rightObject }: Sides): Kinds {
  const kinds = { left: declaredKind(leftObject, left), right: declaredKind(rightObject, right) };
  if (kinds.left === undefined || (kinds.right === 'map' && mayBeMap(leftObject, left)))
    return { ...kinds, left: kinds.right };
  if (kinds.right === undefined || (kinds.left === 'map' && mayBeMap(rightObject, right)))
    return { ...kinds, right: kinds.left };
  return kinds;
}

/** Whether an extern that no section declares has the type of a map definition. */
function mayBeMap(object: BpfObject, symbol: BpfSymbol): boolean {
  if (symbol.kind !== 'extern' || symbol.section !== null) return false;
  try {
    parseMapDefinition(object, symbol);
    return true;
  } catch (error) {
    if (error instanceof RootletError) return false;
    throw error;
  }
}

/** An extern of assembly or of GCC: there is nothing to compare. */
function isUntyped(symbol: BpfSymbol): boolean {
  return symbol.kind === 'extern' && symbol.btfId === 0;
}

function kindMismatch({ left, right }: Kinds): Mismatch {
  return { code: 'link-kind-mismatch', text: `it is a ${right} here and a ${left} there`, details: [] };
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
    session: sides.session,
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
  return {
    code: 'link-common-size',
    text: `${counted(other.size, 'byte')} here, ${winner.size} there`,
    details: [],
  };
}

/** Of variables of which one side has no type, the sizes must agree as far as they are known. */
function sizeMismatch({ left, right, leftObject, rightObject }: Sides): Mismatch | null {
  const [there, here] = [knownSize(leftObject, left), knownSize(rightObject, right)];
  if (there === 0 || here === 0 || there === here) return null;
  return { code: 'link-type-mismatch', text: `${counted(here, 'byte')} here, ${there} there`, details: [] };
}

/** Bytes of a variable; 0 for a function, and for what has no known size. */
function knownSize({ btf }: BpfObject, symbol: BpfSymbol): number {
  if (symbol.kind === 'variable') return symbol.size;
  if (symbol.kind !== 'extern' || btf === null || symbol.btfId === 0) return 0;
  return variableSize(btf, symbol.btfId);
}

/** Name of the section that a symbol is in or, for an extern, would be in; for messages. */
export function expectedSectionOf(object: BpfObject, symbol: BpfSymbol): string {
  return symbol.kind === 'extern' ? (symbol.section ?? '') : sectionNameOf(object, symbol);
}
