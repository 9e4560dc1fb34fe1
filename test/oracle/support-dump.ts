/**
 * What an object says, with nothing left of where things happen to be: sections by name, everything in them by symbol,
 * references by what they lead to. Two linkers did the same when their dumps are equal.
 *
 * Facts are texts by name, so that a difference can be reported and listed without knowing all of them. Local symbols of
 * one name are numbered in the order of their section; what has no name is known by its contents.
 */

import { differenceOfTypes, type TypeGraph } from './support-types.ts';

export type Facts = ReadonlyMap<string, string>;

export interface CoreDump {
  /** Instruction, kind and access path. */
  readonly text: string;
  readonly type: number;
}

export interface SymbolDump {
  readonly facts: Facts;
  /** FUNC or VAR; 0 when there is none, undefined when the reader of the object does not know. */
  readonly type: number | undefined;
  /** Undefined when the reader of the object does not know. */
  readonly core: readonly CoreDump[] | undefined;
}

export interface ObjectDump {
  readonly sections: ReadonlyMap<string, Facts>;
  readonly symbols: ReadonlyMap<string, SymbolDump>;
  /** Variables that BTF lists for a section, `name offset size`, by section. */
  readonly dataSections: ReadonlyMap<string, readonly string[]>;
  readonly types: TypeGraph;
}

export interface Difference {
  /** `symbol foo`, `section .data`, `types of .data`. */
  readonly subject: string;
  readonly fact: string;
  readonly left: string;
  readonly right: string;
}

const ABSENT = '(absent)';

export function compareDumps(left: ObjectDump, right: ObjectDump): Difference[] {
  return [
    ...compareMaps(left.sections, right.sections, 'section', compareFacts),
    ...compareMaps(left.symbols, right.symbols, 'symbol', (subject, a, b) => [
      ...compareFacts(subject, a.facts, b.facts),
      ...compareType(subject, 'type', left, a.type, right, b.type),
      ...compareCore(subject, left, a.core, right, b.core),
    ]),
    ...compareMaps(left.dataSections, right.dataSections, 'types of', compareLists),
  ];
}

function compareMaps<T>(
  left: ReadonlyMap<string, T>,
  right: ReadonlyMap<string, T>,
  what: string,
  compare: (subject: string, a: T, b: T) => Difference[],
): Difference[] {
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap(key => {
    const [a, b] = [left.get(key), right.get(key)];
    const subject = `${what} ${key}`;
    if (a !== undefined && b !== undefined) return compare(subject, a, b);
    const sides = a === undefined ? [ABSENT, 'there'] : ['there', ABSENT];
    return [{ subject, fact: 'presence', left: sides[0] ?? '', right: sides[1] ?? '' }];
  });
}

/** Facts that only one side knows are not compared. */
function compareFacts(subject: string, a: Facts, b: Facts): Difference[] {
  return [...a].flatMap(([fact, left]) => {
    const right = b.get(fact);
    return right === undefined || right === left ? [] : [{ subject, fact, left, right }];
  });
}

function compareType(
  subject: string,
  fact: string,
  left: ObjectDump,
  a: number | undefined,
  right: ObjectDump,
  b: number | undefined,
): Difference[] {
  if (a === undefined || b === undefined) return [];
  const difference = differenceOfTypes(left.types, a, right.types, b);
  return difference === null ? [] : [{ subject, fact, ...difference }];
}

function compareCore(
  subject: string,
  left: ObjectDump,
  a: readonly CoreDump[] | undefined,
  right: ObjectDump,
  b: readonly CoreDump[] | undefined,
): Difference[] {
  if (a === undefined || b === undefined) return [];
  const [textA, textB] = [a, b].map(list => list.map(record => record.text).join('; '));
  if (textA !== textB) return [{ subject, fact: 'CO-RE', left: textA ?? '', right: textB ?? '' }];
  return a.flatMap((record, index) =>
    compareType(subject, `CO-RE ${record.text}`, left, record.type, right, b[index]?.type),
  );
}

function compareLists(subject: string, a: readonly string[], b: readonly string[]): Difference[] {
  const [left, right] = [a.join('; '), b.join('; ')];
  return left === right ? [] : [{ subject, fact: 'variables', left, right }];
}

export function tell({ subject, fact, left, right }: Difference): string {
  return `${subject}: ${fact}: ${left} / ${right}`;
}

// --- what both readers share --------------------------------------------------------------------------------------

/** Names symbols: global ones as they are, local ones with section and number. */
export class KeyMaker {
  readonly #seen = new Map<string, number>();

  keyOf(name: string, local: boolean, section: string): string {
    if (!local) return name;
    const base = `${section}:${name}`;
    const number = this.#seen.get(base) ?? 0;
    this.#seen.set(base, number + 1);
    return `${base}#${number}`;
  }
}

export interface ReferenceDump {
  /** Instruction or byte. */
  readonly at: number;
  readonly kind: string;
  readonly target: string;
  readonly addend: number;
}

export function tellReferences(references: readonly ReferenceDump[]): string {
  return [...references]
    .sort((a, b) => a.at - b.at)
    .map(({ at, kind, target, addend }) => `${at} ${kind} ${target}${addend === 0 ? '' : `+${addend}`}`)
    .join('; ');
}

/** Key of something without a name. Equal contents in one section are one thing; zeros at the end may be padding. */
export function anonymousKey(section: string, hex: string): string {
  return `${section}:=${hex.replace(/(00)+$/, '')}`;
}

export function hexOf(bytes: Uint8Array | null): string {
  return bytes === null ? 'zeros' : Buffer.from(bytes).toString('hex');
}
