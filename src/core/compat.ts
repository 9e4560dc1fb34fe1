/**
 * When types of the program and of the target are the same for CO-RE. Three degrees, as in libbpf:
 *
 * - fields are compatible if one can be read as the other (integers of any size, any two structs);
 * - types are compatible when a value of one can represent the other at the top (pointers, prototypes);
 * - types match when all that the program's type has is in the target, names and sizes
 * (`bpf_core_type_matches()`).
 *
 * Walks are bounded like libbpf's; types come from files.
 */

import { type Btf, type BtfId, type BtfType, resolvedType, skipModifiers } from '../btf/index.ts';
import { elementAt } from '../bytes/index.ts';
import { BTF_KIND } from '../uapi/index.ts';
import { essentialName } from './names.ts';

/** Deepest nesting that is compared; beyond it types count as different. */
const MAX_DEPTH = 32;

/** Kinds that represent each other: the same, or both enumerations. */
export function kindsCompatible(local: number, target: number): boolean {
  const isEnum = (kind: number) => kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64;
  return local === target || (isEnum(local) && isEnum(target));
}

function isEnumType(type: BtfType): boolean {
  return type.kind === 'enum' || type.kind === 'enum64';
}

function isComposite(type: BtfType | undefined): boolean {
  return type?.kind === 'struct' || type?.kind === 'union';
}

/** Whether a field of one type may be read where the program has the other. */
export function fieldsCompatible(local: Btf, localId: BtfId, target: Btf, targetId: BtfId): boolean {
  let left = localId;
  let right = targetId;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const a = resolvedType(local, left);
    const b = resolvedType(target, right);
    if (a === undefined || b === undefined) return false;
    if (isComposite(a) && isComposite(b)) return true;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return a.kind === b.kind;
      case 'fwd':
        return b.kind === 'fwd' && namesCompatible(a.name, b.name);
      case 'enum':
      case 'enum64':
        return (b.kind === 'enum' || b.kind === 'enum64') && namesCompatible(a.name, b.name);
      case 'int':
        return b.kind === 'int' && a.bitOffset === 0 && b.bitOffset === 0;
      case 'array':
        if (b.kind !== 'array') return false;
        left = a.element;
        right = b.element;
        break;
      default:
        return false;
    }
  }
  return false;
}

/** Equal without flavours, or one of them anonymous. */
function namesCompatible(a: string, b: string): boolean {
  return a === '' || b === '' || essentialName(a) === essentialName(b);
}

/** Whether the types are of the same shape at the top: as kernel symbols and type relocations require. */
export function typesCompatible(local: Btf, localId: BtfId, target: Btf, targetId: BtfId): boolean {
  if (!kindsCompatible(local.kindOf(localId), target.kindOf(targetId))) return false;
  return compatible(local, localId, target, targetId, MAX_DEPTH);
}

function compatible(local: Btf, localId: BtfId, target: Btf, targetId: BtfId, budget: number): boolean {
  let left = localId;
  let right = targetId;
  for (let depth = budget; depth > 0; depth--) {
    const a = resolvedType(local, left);
    const b = resolvedType(target, right);
    if (a === undefined || b === undefined) return a === b;
    if (a.kind === 'ptr' && b.kind === 'ptr') {
      left = a.type;
      right = b.type;
    } else if (a.kind === 'array' && b.kind === 'array') {
      left = a.element;
      right = b.element;
    } else if (a.kind === 'func_proto' && b.kind === 'func_proto') {
      if (a.params.length !== b.params.length) return false;
      const same = a.params.every((param, index) =>
        compatible(local, param.type, target, elementAt(b.params, index).type, depth - 1),
      );
      if (!same) return false;
      left = a.returns;
      right = b.returns;
    } else {
      return compatibleLeaf(a, b);
    }
  }
  return false;
}

/** Kinds that are compared without looking inside. */
function compatibleLeaf(a: BtfType, b: BtfType): boolean {
  if (isEnumType(a)) return isEnumType(b);
  if (a.kind === 'int') return b.kind === 'int' && a.bitOffset === 0 && b.bitOffset === 0;
  return a.kind === b.kind && (a.kind === 'struct' || a.kind === 'union' || a.kind === 'fwd');
}

/** Whether everything in the program's type is in the target's, with names, sizes and signs. */
export function typesMatch(local: Btf, localId: BtfId, target: Btf, targetId: BtfId): boolean {
  return new Matcher(local, target).match(localId, targetId, false, MAX_DEPTH);
}

/** Pairs under comparison are remembered: members that point at each other are compared once. */
class Matcher {
  readonly #local: Btf;
  readonly #target: Btf;
  readonly #answers = new Map<string, boolean>();

  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  /** Depth is bounded by `budget`; the number of pairs by the answers that are kept. */
  match(localId: BtfId, targetId: BtfId, behindPointer: boolean, budget: number): boolean {
    const left = skipModifiers(this.#local, localId);
    const right = skipModifiers(this.#target, targetId);
    if (budget === 0) return false;
    if (left === 0 || right === 0) return left === right;
    const key = `${left},${right},${behindPointer},${budget}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#compare(
      this.#local.type(left),
      this.#target.type(right),
      left,
      right,
      behindPointer,
      budget,
    );
    this.#answers.set(key, answer);
    return answer;
  }

  #compare(
    a: BtfType,
    b: BtfType,
    left: BtfId,
    right: BtfId,
    behindPointer: boolean,
    budget: number,
  ): boolean {
    if (essentialName(this.#local.nameOf(left)) !== essentialName(this.#target.nameOf(right))) return false;
    switch (a.kind) {
      case 'fwd':
        if (b.kind === 'fwd') return a.union === b.union;
        return behindPointer && b.kind === (a.union ? 'union' : 'struct');
      case 'enum':
      case 'enum64':
        if (b.kind !== 'enum' && b.kind !== 'enum64') return false;
        return a.values.length <= b.values.length && a.values.every(({ name }) => has(b.values, name));
      case 'struct':
      case 'union':
        if (behindPointer) return a.kind === b.kind || (b.kind === 'fwd' && b.union === (a.kind === 'union'));
        return a.kind === b.kind && this.#membersMatch(a.members, b.members, budget);
      case 'int':
        return b.kind === 'int' && a.size === b.size && a.signed === b.signed;
      case 'ptr':
        return b.kind === 'ptr' && this.match(a.type, b.type, true, budget - 1);
      case 'array':
        return (
          b.kind === 'array' &&
          a.length === b.length &&
          this.match(a.element, b.element, behindPointer, budget - 1)
        );
      case 'func_proto':
        return (
          b.kind === 'func_proto' &&
          a.params.length === b.params.length &&
          a.params.every((param, at) =>
            this.match(param.type, elementAt(b.params, at).type, behindPointer, budget - 1),
          ) &&
          this.match(a.returns, b.returns, behindPointer, budget - 1)
        );
      default:
        return false;
    }
  }

  #membersMatch(
    local: readonly { readonly name: string; readonly type: BtfId }[],
    target: readonly { readonly name: string; readonly type: BtfId }[],
    budget: number,
  ): boolean {
    if (local.length > target.length) return false;
    return local.every(member => {
      const name = essentialName(member.name);
      return target.some(
        candidate =>
          essentialName(candidate.name) === name &&
          this.match(member.type, candidate.type, false, budget - 1),
      );
    });
  }
}

function has(values: readonly { readonly name: string }[], name: string): boolean {
  const wanted = essentialName(name);
  return values.some(value => essentialName(value.name) === wanted);
}
