/**
 * A text that types have in common which agree by the strict rules: who looks for equal types among many compares only
 * those of one outline. Composites are named and not entered, so it takes a few steps.
 */

import type { BtfId, BtfType, RawBtf } from '../model/index.ts';
import { resolveType } from './resolved.ts';

/** Pointers, elements and prototypes inside of each other that are spelled out. */
const MAX_DEPTH = 4;
const MAX_PARAMETERS = 8;

/** Types with different outlines do not agree; those of one may. */
export function typeOutline(btf: RawBtf, id: BtfId, depth = 0): string {
  const resolved = resolveType(btf, id);
  if (resolved === 0) return 'void';
  if (depth > MAX_DEPTH) return '';
  return outlineOf(btf, btf.type(resolved), depth + 1);
}

function outlineOf(btf: RawBtf, type: BtfType, depth: number): string {
  switch (type.kind) {
    case 'int':
    case 'float':
      return `${type.kind} ${type.size}`;
    case 'enum':
    case 'enum64':
      return `enum ${type.name}`; // it agrees with one that is only declared
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name}`;
    case 'fwd':
      return `${type.union ? 'union' : 'struct'} ${type.name}`;
    case 'ptr':
      return `* ${typeOutline(btf, type.type, depth)}`;
    case 'array':
      return `[${type.length}] ${typeOutline(btf, type.element, depth)}`;
    case 'func':
    case 'var':
      return `${type.kind} ${type.name} ${typeOutline(btf, type.type, depth)}`;
    case 'func_proto': {
      const first = type.params.slice(0, MAX_PARAMETERS).map(param => typeOutline(btf, param.type, depth));
      return `${type.params.length} (${first.join()}) ${typeOutline(btf, type.returns, depth)}`;
    }
    default:
      return type.kind;
  }
}
