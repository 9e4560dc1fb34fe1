/** Variables of a data section across versions: carried over by name and type, wherever they are placed. */

import { type Btf, type BtfDataSec, type BtfId, compareTypes } from '../btf/index.ts';
import { type LoadPlan, type MapPlan, shapeDifferences } from '../load/index.ts';
import { kernelFieldOf } from '../object/index.ts';
import type { CarriedVariable, Decision, LostVariable, PreviousMap } from './decision.ts';
import type { KeptTypes, MapTypes } from './map-types.ts';

/** A variable of a data section. Offset and size in bytes. */
export interface PlacedVariable {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly type: BtfId;
}

/** Requests of the caller for single variables of a section. */
export interface VariableWishes {
  /** It begins with its initial value. */
  readonly fresh: (variable: string) => boolean;
  /** It is given a value, which is in the initial contents of the plan. */
  readonly given: (variable: string) => boolean;
}

/**
 * `unchanged`: both versions come from one file, so that equal sizes mean equal layouts even without types.
 */
export function decideVariables(
  plan: LoadPlan,
  map: MapPlan,
  previous: PreviousMap,
  types: MapTypes,
  unchanged: boolean,
  wishes: VariableWishes,
): Decision {
  const sameShape = shapeDifferences(previous.map, map).length === 0;
  const some = plan.globals.some(({ section, name }) => section === map.name && wishes.fresh(name));
  if (unchanged && sameShape && !some) return { kind: 'reuse', previous };
  const there = types.of(previous.map);
  const before = there === undefined ? undefined : variablesOf(there.btf, there.value);
  const here = plan.types;
  const now = here === null ? undefined : variablesOf(here, map.valueType);
  if (there === undefined || before === undefined || here === null || now === undefined)
    return { kind: 'reset', previous, reason: 'the types of its variables are not known' };
  const sides: Sides = { there, here, before, now, wishes };
  if (sameShape && !some && sameLayout(sides)) return { kind: 'reuse', previous };
  const { variables, lost } = carried(sides);
  if (variables.length > 0) return { kind: 'migrate', previous, variables, lost };
  if (lost.length === 0) return { kind: 'reset', previous, reason: 'every variable is given a value' };
  const reasons = lost.map(({ name, reason }) => `${name} ${reason}`).join(', ');
  return { kind: 'reset', previous, reason: `no variable is unchanged: ${reasons}` };
}

interface Sides {
  readonly there: KeptTypes;
  readonly here: Btf;
  readonly before: readonly PlacedVariable[];
  readonly now: readonly PlacedVariable[];
  readonly wishes: VariableWishes;
}

function sameLayout(sides: Sides): boolean {
  const { before, now } = sides;
  return (
    before.length === now.length &&
    before.every((a, at) => {
      const b = now[at];
      return (
        b !== undefined && a.name === b.name && a.offset === b.offset && mismatchOf(sides, a, b) === null
      );
    })
  );
}

function carried(sides: Sides): { variables: CarriedVariable[]; lost: LostVariable[] } {
  const variables: CarriedVariable[] = [];
  const lost: LostVariable[] = [];
  for (const a of sides.before) {
    if (sides.wishes.given(a.name)) continue;
    const outcome = carryOne(sides, a);
    if (typeof outcome === 'string') lost.push({ name: a.name, reason: outcome });
    else variables.push(outcome);
  }
  return { variables, lost };
}

/** The variable at its new place, or why its value is not carried over. */
function carryOne(sides: Sides, a: PlacedVariable): CarriedVariable | string {
  const isCalled = ({ name }: PlacedVariable): boolean => name === a.name;
  const [b, other] = sides.now.filter(isCalled);
  if (b === undefined) return 'is gone';
  if (sides.wishes.fresh(a.name)) return 'is reset, as requested with --fresh';
  if (other !== undefined || sides.before.filter(isCalled).length > 1) return 'exists more than once';
  const mismatch = mismatchOf(sides, a, b);
  if (mismatch !== null) return mismatch;
  const field = kernelFieldOf(sides.here, b.type);
  if (field !== undefined) return `moved, and contains a ${field}, which only the kernel may write`;
  return { name: a.name, from: a.offset, to: b.offset, size: a.size };
}

/** Null for equal types. */
function mismatchOf({ there, here }: Sides, a: PlacedVariable, b: PlacedVariable): string | null {
  const mismatch = compareTypes(there.btf, a.type, here, b.type, { strict: true });
  if (mismatch === null) return a.size === b.size ? null : `had ${a.size} bytes and has ${b.size}`;
  const path = mismatch.path === '' ? '' : ` at ${mismatch.path}`;
  return `was ${mismatch.left} and is ${mismatch.right}${path}`;
}

/** Variables of a data section by offset; undefined for another type. */
export function variablesOf(btf: Btf, section: BtfId): PlacedVariable[] | undefined {
  const type = section === 0 || section > btf.count ? undefined : btf.type(section);
  return type?.kind === 'datasec' ? placedIn(btf, type) : undefined;
}

function placedIn(btf: Btf, section: BtfDataSec): PlacedVariable[] {
  return section.vars
    .flatMap(({ type, offset, size }): PlacedVariable[] => {
      const variable = btf.type(type);
      return variable.kind === 'var' ? [{ name: variable.name, offset, size, type: variable.type }] : [];
    })
    .sort((a, b) => a.offset - b.offset);
}
