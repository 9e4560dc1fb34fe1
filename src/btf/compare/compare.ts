/**
 * Whether two declarations, usually of different files, mean the same type, and if not, where they differ.
 *
 * Normally the rules are those of libbpf's linker: modifiers, typedefs and type tags do not count; integers
 * and enums agree when their sizes do (so `extern unsigned x` goes with `int x`); behind a pointer, structs
 * agree by name and keyword; parameter names do not count. Option `strict` is for separately compiled code
 * that meets in the kernel: signedness, enumerators, tags and everything behind pointers must agree too.
 *
 * Differs from libbpf: lengths of arrays must agree unless one is unknown (`extern int a[]`), and sizes of
 * structs always, because both are part of what the other side was compiled against. A forward declaration
 * goes with its struct everywhere, since C allows `extern struct s x`. Pairs that have been seen are not
 * compared again, so circles end and shared parts cost once.
 */

import { noElement } from '../../bytes/index.ts';
import { counted, inputError } from '../../diag/index.ts';
import {
  type Btf,
  type BtfComposite,
  type BtfEnum,
  type BtfFuncProto,
  type BtfId,
  type BtfInt,
  type BtfType,
  type RawBtf,
  toRaw,
} from '../model/index.ts';
import { ComparedPair, ELEMENT, explain, MEMBER, POINTEE, RETURN, SAME_PLACE } from './explain.ts';
import type { TypeMismatch } from './mismatch.ts';
import { resolveType } from './resolved.ts';
import { type CompareSession, DIFFERENCE } from './session.ts';
import { compareTagSets, TagIndex } from './tags.ts';

export interface CompareOptions {
  /** Rules for separately compiled code that meets in the kernel, instead of those for linking. */
  readonly strict?: boolean;
  /**
   * Parameters (from 0) of the function that is compared which the caller has compared by a rule of its own.
   */
  readonly agreed?: ReadonlySet<number>;
  /** Other comparisons of the same files. */
  readonly session?: CompareSession | undefined;
}

const NONE: ReadonlySet<number> = new Set();

/**
 * Pairs that are compared before giving up. All types of a kernel against themselves are a tenth of it;
 * circles of different lengths can make as many pairs as the product of their lengths.
 */
const MAX_PAIRS = 1 << 20;

/**
 * The first difference between type `idA` of `a` and type `idB` of `b`, or null when they agree. Throws
 * `btf-compare-limit` for types that are made to be compared forever.
 */
export function compareTypes(
  a: Btf,
  idA: BtfId,
  b: Btf,
  idB: BtfId,
  options: CompareOptions = {},
): TypeMismatch | null {
  return new Comparison(toRaw(a), toRaw(b), options).run(idA, idB);
}

/** The mismatch of a pair: '' if the two renderings show it, otherwise text for each side. */
interface Difference {
  readonly left: string;
  readonly right: string;
}

const DIFFERENT: Difference = { left: '', right: '' };

class Comparison {
  readonly #a: RawBtf;
  readonly #b: RawBtf;
  readonly #strict: boolean;
  /** For the outermost function, which is the first that is met; empty for functions in its types. */
  #agreed: ReadonlySet<number>;
  readonly #seen = new Set<number>();
  readonly #session: CompareSession | undefined;
  /** Nothing is left out because the caller compared it. */
  readonly #isWhole: boolean;
  /** Pairs that other comparisons found equal. */
  readonly #equal: Set<number> | undefined;
  readonly #stack: ComparedPair[] = [];
  readonly #tags: { readonly a: TagIndex; readonly b: TagIndex };

  constructor(a: RawBtf, b: RawBtf, { strict = false, agreed = NONE, session }: CompareOptions) {
    this.#a = a;
    this.#b = b;
    this.#strict = strict;
    this.#agreed = agreed;
    this.#session = session;
    this.#isWhole = agreed.size === 0;
    this.#equal = session?.equalPairs(a, b, strict);
    this.#tags = { a: new TagIndex(a), b: new TagIndex(b) };
  }

  run(idA: BtfId, idB: BtfId): TypeMismatch | null {
    this.#stack.push(new ComparedPair(idA, idB, false, null, 0));
    for (let pair = this.#stack.pop(); pair !== undefined; pair = this.#stack.pop()) {
      const difference = this.#compare(pair);
      if (difference !== null) {
        this.#session?.take(DIFFERENCE);
        return explain(this.#a, this.#b, pair, difference.left, difference.right);
      }
    }
    if (this.#isWhole) for (const key of this.#seen) this.#equal?.add(key);
    return null;
  }

  #compare(pair: ComparedPair): Difference | null {
    if (this.#strict) {
      const [left, right] = [this.#tags.a.typeTags(pair.a), this.#tags.b.typeTags(pair.b)];
      this.#session?.take(left.length + right.length);
      const tags = compareTagSets(left, right);
      if (tags !== null) return tags;
    }
    const idA = resolveType(this.#a, pair.a);
    const idB = resolveType(this.#b, pair.b);
    if (idA === 0 || idB === 0) return idA === idB ? null : DIFFERENT;
    const key = (idA * (this.#b.count + 1) + idB) * 2 + (pair.shape ? 1 : 0);
    if (this.#seen.has(key) || this.#equal?.has(key) === true) return null;
    this.#seen.add(key);
    if (this.#seen.size > MAX_PAIRS) {
      throw inputError('btf-compare-limit', [], `comparing types takes more than ${MAX_PAIRS} steps`);
    }
    const inner = new ComparedPair(idA, idB, pair.shape, pair, SAME_PLACE);
    const [a, b] = [this.#a.type(idA), this.#b.type(idB)];
    this.#session?.take(1 + partsOf(a) + partsOf(b));
    return this.#compareValues(inner, a, b);
  }

  #compareValues(pair: ComparedPair, a: BtfType, b: BtfType): Difference | null {
    if (isForwardPair(a, b)) return null;
    switch (a.kind) {
      case 'int':
        return b.kind === 'int' ? this.#compareInts(a, b) : DIFFERENT;
      case 'float':
        return b.kind === 'float' && a.size === b.size ? null : DIFFERENT;
      case 'enum':
      case 'enum64':
        return isEnum(b) ? this.#compareEnums(a, b) : DIFFERENT;
      case 'struct':
      case 'union':
        return isComposite(b) ? this.#compareComposites(pair, a, b) : DIFFERENT;
      case 'fwd':
        return b.kind === 'fwd' && a.name === b.name && a.union === b.union ? null : DIFFERENT;
      case 'ptr':
        if (b.kind !== 'ptr') return DIFFERENT;
        this.#push(pair, a.type, b.type, POINTEE, !this.#strict);
        return null;
      case 'array':
        if (b.kind !== 'array' || !this.#lengthsAgree(a.length, b.length)) return DIFFERENT;
        this.#push(pair, a.element, b.element, ELEMENT);
        return null;
      case 'func_proto':
        return b.kind === 'func_proto' ? this.#compareProtos(pair, a, b) : DIFFERENT;
      case 'func':
      case 'var':
        return this.#compareLinked(pair, a, b);
      case 'datasec':
        return b.kind === 'datasec' && a.name === b.name ? null : DIFFERENT;
      default:
        return DIFFERENT;
    }
  }

  #push(parent: ComparedPair, a: BtfId, b: BtfId, step: number, shape = parent.shape): void {
    this.#stack.push(new ComparedPair(a, b, shape, parent, step));
  }

  #compareInts(a: BtfInt, b: BtfInt): Difference | null {
    if (a.size !== b.size) return DIFFERENT;
    if (!this.#strict) return null;
    return a.signed === b.signed && a.bool === b.bool && a.bits === b.bits ? null : DIFFERENT;
  }

  #compareEnums(a: BtfEnum, b: BtfEnum): Difference | null {
    if (a.name !== b.name) return DIFFERENT;
    // One of them is only declared.
    if (a.name !== '' && (a.values.length === 0 || b.values.length === 0)) return null;
    if (a.kind !== b.kind || a.size !== b.size) return DIFFERENT;
    if (!this.#strict) return null;
    const other = new Map(b.values.map(value => [value.name, value.value]));
    for (const { name, value } of a.values) {
      const found = other.get(name);
      if (found === value) continue;
      return { left: `${name} = ${value}`, right: found === undefined ? `no ${name}` : `${name} = ${found}` };
    }
    if (a.values.length === b.values.length) return null;
    return { left: `${a.values.length} values`, right: `${b.values.length} values` };
  }

  #lengthsAgree(a: number, b: number): boolean {
    return a === b || (!this.#strict && (a === 0 || b === 0));
  }

  #compareComposites(pair: ComparedPair, a: BtfComposite, b: BtfComposite): Difference | null {
    if (a.kind !== b.kind || a.name !== b.name) return DIFFERENT;
    if (pair.shape) return null;
    const tags = this.#strict
      ? compareTagSets(this.#tags.a.declTags(pair.a), this.#tags.b.declTags(pair.b))
      : null;
    if (tags !== null) return tags;
    if (a.members.length !== b.members.length) {
      return { left: counted(a.members.length, 'member'), right: counted(b.members.length, 'member') };
    }
    if (a.size !== b.size) return { left: counted(a.size, 'byte'), right: counted(b.size, 'byte') };
    for (let i = 0; i < a.members.length; i++) {
      const difference = compareMembers(a, b, i);
      if (difference !== null) return difference;
    }
    for (let i = a.members.length - 1; i >= 0; i--) {
      this.#push(
        pair,
        (a.members[i] ?? noElement(a.members, i)).type,
        (b.members[i] ?? noElement(b.members, i)).type,
        MEMBER + i,
      );
    }
    return null;
  }

  #compareProtos(pair: ComparedPair, a: BtfFuncProto, b: BtfFuncProto): Difference | null {
    if (a.params.length !== b.params.length) return DIFFERENT;
    const agreed = this.#agreed;
    this.#agreed = NONE;
    for (let i = a.params.length - 1; i >= 0; i--) {
      if (agreed.has(i)) continue;
      this.#push(
        pair,
        (a.params[i] ?? noElement(a.params, i)).type,
        (b.params[i] ?? noElement(b.params, i)).type,
        MEMBER + i,
      );
    }
    this.#push(pair, a.returns, b.returns, RETURN);
    return null;
  }

  #compareLinked(pair: ComparedPair, a: BtfType, b: BtfType): Difference | null {
    if (a.kind !== 'func' && a.kind !== 'var') return DIFFERENT;
    if (b.kind !== a.kind || a.name !== b.name) return DIFFERENT;
    if ((a.linkage === 'static') !== (b.linkage === 'static')) return DIFFERENT;
    const tags = this.#strict
      ? compareTagSets(this.#tags.a.declTags(pair.a), this.#tags.b.declTags(pair.b))
      : null;
    if (tags !== null) return tags;
    this.#push(pair, a.type, b.type, SAME_PLACE);
    return null;
  }
}

/** What reading a type costs more than one step. */
function partsOf(type: BtfType): number {
  if ('members' in type) return type.members.length;
  if ('values' in type) return type.values.length;
  return 'params' in type ? type.params.length : 0;
}

function compareMembers(a: BtfComposite, b: BtfComposite, index: number): Difference | null {
  const left = a.members[index];
  const right = b.members[index];
  if (left === undefined || right === undefined) return DIFFERENT;
  if (left.name !== right.name) {
    return {
      left: `member ${index + 1} is ${left.name || 'unnamed'}`,
      right: `member ${index + 1} is ${right.name || 'unnamed'}`,
    };
  }
  const name = left.name || `member ${index + 1}`;
  if (left.bitOffset !== right.bitOffset) {
    return { left: `${name} at ${place(left.bitOffset)}`, right: `${name} at ${place(right.bitOffset)}` };
  }
  if (left.bitSize === right.bitSize) return null;
  return {
    left: `${name} of ${counted(left.bitSize, 'bit')}`,
    right: `${name} of ${counted(right.bitSize, 'bit')}`,
  };
}

function place(bitOffset: number): string {
  return bitOffset % 8 === 0 ? `byte ${bitOffset / 8}` : `bit ${bitOffset}`;
}

function isEnum(type: BtfType): type is BtfEnum {
  return type.kind === 'enum' || type.kind === 'enum64';
}

function isComposite(type: BtfType): type is BtfComposite {
  return type.kind === 'struct' || type.kind === 'union';
}

/** A forward declaration and the struct or union that it declares. */
function isForwardPair(a: BtfType, b: BtfType): boolean {
  const [forward, full] = a.kind === 'fwd' ? [a, b] : [b, a];
  if (forward.kind !== 'fwd' || !isComposite(full)) return false;
  return forward.name === full.name && forward.union === (full.kind === 'union');
}
