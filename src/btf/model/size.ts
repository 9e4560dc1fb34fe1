/**
 * Sizes and the small walks over modifiers that every user of BTF needs; iterative, since chains come from
 * files.
 */

import { inputError, quote } from '../../diag/index.ts';
import { KINDS } from './kinds.ts';
import type { Btf, BtfId, BtfType } from './types.ts';

/** Longest chain of typedefs and modifiers that is followed; real ones have fewer than ten. */
const MAX_CHAIN = 64;

/** First type behind typedefs, const, volatile, restrict and type tags; 0 for void. */
export function skipModifiers(btf: Btf, id: BtfId): BtfId {
  let current = id;
  for (let step = 0; step < MAX_CHAIN; step++) {
    if (current === 0) return 0;
    if (current >= 1 && current <= btf.count && !isModifierKind(btf.kindOf(current))) return current;
    const type = btf.type(current);
    if (!isModifier(type)) return current;
    current = type.type;
  }
  throw inputError(
    'btf-modifier-chain',
    [],
    `type ${id} is nested in more than ${MAX_CHAIN} typedefs and modifiers`,
  );
}

/** The type behind typedefs and modifiers; undefined for void. */
export function resolvedType(btf: Btf, id: BtfId): BtfType | undefined {
  const behind = skipModifiers(btf, id);
  return behind === 0 ? undefined : btf.type(behind);
}

/** By the number alone: structs with hundreds of members are not decoded for it. */
function isModifierKind(kind: number): boolean {
  return ((KINDS.modifiers >>> kind) & 1) === 1;
}

/** Whether a type only qualifies or names another: typedefs, qualifiers, type tags. */
export function isModifier(
  type: BtfType,
): type is Extract<BtfType, { readonly kind: 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag' }> {
  switch (type.kind) {
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
      return true;
    default:
      return false;
  }
}

/**
 * Bytes that a value of the type takes, with 64-bit pointers. Throws `btf-no-size` for void, functions and
 * forwards.
 */
export function sizeOfType(btf: Btf, id: BtfId): number {
  let factor = 1;
  let current = skipModifiers(btf, id);
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    if (current === 0) throw inputError('btf-no-size', [], 'void has no size');
    const type = btf.type(current);
    switch (type.kind) {
      case 'int':
      case 'float':
      case 'enum':
      case 'enum64':
      case 'struct':
      case 'union':
        return checkedSize(factor * type.size, id);
      case 'ptr':
        return checkedSize(factor * 8, id);
      case 'array':
        factor = checkedSize(factor * type.length, id);
        current = skipModifiers(btf, type.element);
        break;
      case 'var':
        current = skipModifiers(btf, type.type);
        break;
      default:
        throw inputError(
          'btf-no-size',
          [],
          `type ${current} (${type.kind} ${quote(btf.nameOf(current))}) has no size`,
        );
    }
  }
  throw inputError('btf-array-depth', [], `type ${id} is an array of more than ${MAX_CHAIN} dimensions`);
}

function checkedSize(size: number, id: BtfId): number {
  if (size <= 0xffffffff) return size;
  throw inputError('btf-size-overflow', [], `type ${id} takes ${size} bytes, more than 4 GiB`);
}
