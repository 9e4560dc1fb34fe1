/** From the pair of types at which a comparison failed back to a path and two readable renderings. */

import { elementAt } from '../../bytes/index.ts';
import { quote } from '../../diag/index.ts';
import { formatType } from '../c/index.ts';
import type { BtfId, RawBtf } from '../model/index.ts';
import type { TypeMismatch } from './mismatch.ts';
import { resolveType } from './resolved.ts';

/** Steps from one pair to the next; member and parameter `i` is `MEMBER + i`. */
export const SAME_PLACE = 0;
export const POINTEE = 1;
export const ELEMENT = 2;
export const RETURN = 3;
export const MEMBER = 4;

/** Places in a path before its middle is left out. */
const MAX_STEPS = 16;

/** Two types that have to agree, and how the comparison came to them. */
export class ComparedPair {
  readonly a: BtfId;
  readonly b: BtfId;
  /** Behind a pointer, where structs agree by name. */
  readonly shape: boolean;
  readonly parent: ComparedPair | null;
  /** From the parent to here: `POINTEE`, `MEMBER + 3`, … */
  readonly step: number;

  constructor(a: BtfId, b: BtfId, shape: boolean, parent: ComparedPair | null, step: number) {
    this.a = a;
    this.b = b;
    this.shape = shape;
    this.parent = parent;
    this.step = step;
  }
}

/**
 * The mismatch at `pair`. `left` and `right` describe the difference if the types alone do not show it.
 * Differences behind pointers and in arrays are shown as the whole type of the variable, member or parameter:
 * `int *` and `long *`.
 */
export function explain(a: RawBtf, b: RawBtf, pair: ComparedPair, left: string, right: string): TypeMismatch {
  if (left !== '') {
    const path = pathTo(a, pair);
    return { path, left: `${formatType(a, pair.a)}: ${left}`, right: `${formatType(b, pair.b)}: ${right}` };
  }
  const shown = declaredPlace(pair);
  const path = pathTo(a, shown);
  const types = { left: formatType(a, shown.a), right: formatType(b, shown.b) };
  if (types.left !== types.right) return { path, ...types };
  // Typedefs of one name for different types, or structs that look the same from outside.
  return {
    path: pathTo(a, pair),
    left: `${types.left} (${describe(a, pair.a)})`,
    right: `${types.right} (${describe(b, pair.b)})`,
  };
}

function describe(btf: RawBtf, id: BtfId): string {
  const inner = resolveType(btf, id);
  if (inner === 0) return 'void';
  const type = btf.type(inner);
  const size = 'size' in type ? ` of ${type.size} bytes` : '';
  return `${formatType(btf, inner)}${size}`;
}

/** Out of pointers, elements and typedefs to what was declared. */
function declaredPlace(pair: ComparedPair): ComparedPair {
  let place = pair;
  while (place.parent !== null && place.step < RETURN) place = place.parent;
  return place;
}

function pathTo(a: RawBtf, pair: ComparedPair): string {
  const steps: string[] = [];
  for (let at = pair; at.parent !== null; at = at.parent) {
    const step = describeStep(a, at.parent, at.step);
    if (step !== '') steps.push(step);
  }
  steps.reverse();
  if (steps.length > MAX_STEPS) steps.splice(MAX_STEPS / 2, steps.length - MAX_STEPS, '…');
  return steps.join(': ');
}

function describeStep(a: RawBtf, parent: ComparedPair, step: number): string {
  switch (step) {
    case SAME_PLACE:
    case POINTEE:
    case ELEMENT:
      return '';
    case RETURN:
      return 'return type';
    default:
      return describeComponent(a, parent.a, step - MEMBER);
  }
}

function describeComponent(a: RawBtf, id: BtfId, index: number): string {
  const type = a.type(id);
  if (type.kind !== 'struct' && type.kind !== 'union') return `parameter ${index + 1}`;
  const name = elementAt(type.members, index).name;
  const member = name === '' ? `member ${index + 1}` : `member ${quote(name)}`;
  return type.name === '' ? member : `${type.kind} ${type.name}: ${member}`;
}
