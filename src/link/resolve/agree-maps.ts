/**
 * Agreement of map definitions: every property, the types of key and value, inner maps.
 *
 * Maps are compared by what they define, not as C types: the order of members and typedefs do not matter.
 */

import { type CompareSession, compareTypes, type TypeMismatch } from '../../btf/index.ts';
import type { ProblemCode } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  type MapDefinition,
  parseMapDefinition,
} from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';
import { formatMapDefinition } from './format-map.ts';

/** Two symbols of a name, and how they are compared. */
export interface Sides {
  readonly left: BpfSymbol;
  readonly right: BpfSymbol;
  readonly leftObject: BpfObject;
  readonly rightObject: BpfObject;
  readonly renamed: boolean;
  readonly agreed: ReadonlySet<number>;
  readonly session: CompareSession | undefined;
}

/** What differs, from the point of view of the second file. */
export interface Mismatch {
  readonly code: ProblemCode;
  readonly text: string;
  readonly details: readonly string[];
  /** Both sides, where their declarations alone would not show the difference. */
  readonly shown?: readonly string[];
}

/** A mismatch of types as one sentence. */
export function describeMismatch(code: ProblemCode, mismatch: TypeMismatch): Mismatch {
  const place = mismatch.path === '' ? '' : `${mismatch.path}: `;
  return { code, text: `${place}${mismatch.right} here, ${mismatch.left} there`, details: [] };
}

/** The first difference of two map definitions, with both shown; null when they agree. */
export function mapMismatch(sides: Sides): Mismatch | null {
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
    const mismatch = compareTypes(sides.leftObject.btf, left[field], sides.rightObject.btf, right[field], {
      session: sides.session,
    });
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
