/**
 * Appends types, from values or from other sections' words, to a growing type section.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { inputError, quote } from '../../diag/index.ts';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED, BTF_KIND } from '../../uapi/index.ts';
import { LINKAGES } from './decode.ts';
import { RawBtf } from './raw.ts';
import type { StringMapper } from './string-mapper.ts';
import { StringPool } from './string-pool.ts';
import type {
  BtfComposite,
  BtfDataSec,
  BtfEnum,
  BtfFuncProto,
  BtfId,
  BtfInt,
  BtfLinkage,
  BtfType,
} from './types.ts';
import { elementWords, firstElementName, infoWord, kindOfInfo, vlenOfInfo } from './words.ts';

/** Kernels before the wide info word take no more elements than this. */
const MAX_VLEN = 0xffff;
/** vlen with 24 bits, as kernels of 2026 read it. */
const MAX_WIDE_VLEN = 0xffffff;
/** Largest bit offset of a member in a struct with bit fields. */
const MAX_FIELD_OFFSET = 0xffffff;

const KIND_NUMBERS: Readonly<Record<BtfType['kind'], number>> = {
  int: BTF_KIND.INT,
  ptr: BTF_KIND.PTR,
  array: BTF_KIND.ARRAY,
  struct: BTF_KIND.STRUCT,
  union: BTF_KIND.UNION,
  enum: BTF_KIND.ENUM,
  fwd: BTF_KIND.FWD,
  typedef: BTF_KIND.TYPEDEF,
  volatile: BTF_KIND.VOLATILE,
  const: BTF_KIND.CONST,
  restrict: BTF_KIND.RESTRICT,
  func: BTF_KIND.FUNC,
  func_proto: BTF_KIND.FUNC_PROTO,
  var: BTF_KIND.VAR,
  datasec: BTF_KIND.DATASEC,
  float: BTF_KIND.FLOAT,
  decl_tag: BTF_KIND.DECL_TAG,
  type_tag: BTF_KIND.TYPE_TAG,
  enum64: BTF_KIND.ENUM64,
};

/** Kind number (`BTF_KIND`) of a decoded type. */
export function kindNumber(type: BtfType): number {
  return KIND_NUMBERS[type.kind];
}

export class TypeWriter {
  readonly strings: StringPool;
  #words: Uint32Array;
  #length = 0;
  #start: Uint32Array;
  #count = 0;

  constructor(strings: StringPool = new StringPool(), wordCapacity = 256, typeCapacity = 64) {
    this.strings = strings;
    this.#words = new Uint32Array(wordCapacity);
    this.#start = new Uint32Array(typeCapacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Appends a copy of type `id`; its references stay as they are. */
  copy(from: RawBtf, id: BtfId, strings: StringMapper): BtfId {
    const begin = from.start[id] ?? 0;
    const end = from.start[id + 1] ?? begin;
    const added = this.#begin();
    const at = this.#length;
    this.#reserve(end - begin);
    const words = this.#words;
    for (let i = begin; i < end; i++) words[at + i - begin] = from.words[i] ?? 0;
    words[at] = strings.map(words[at] ?? 0);
    const info = words[at + 1] ?? 0;
    const kind = kindOfInfo(info);
    const first = firstElementName(kind);
    if (first === 0) return added;
    const stride = elementWords(kind);
    let name = at + first;
    for (let left = vlenOfInfo(info); left > 0; left--, name += stride) {
      words[name] = strings.map(words[name] ?? 0);
    }
    return added;
  }

  /** Appends `type`. Throws `btf-value-range` when a value does not fit its field. */
  add(type: BtfType): BtfId {
    const added = this.#begin();
    switch (type.kind) {
      case 'int':
        this.#common(type.name, type, 0, false, type.size);
        this.#push(intWord(type));
        break;
      case 'float':
        this.#common(type.name, type, 0, false, type.size);
        break;
      case 'ptr':
      case 'volatile':
      case 'const':
      case 'restrict':
        this.#common('', type, 0, false, type.type);
        break;
      case 'typedef':
        this.#common(type.name, type, 0, false, type.type);
        break;
      case 'type_tag':
        this.#common(type.name, type, 0, type.attribute, type.type);
        break;
      case 'decl_tag':
        this.#common(type.name, type, 0, type.attribute, type.type);
        this.#push(type.component >>> 0);
        break;
      case 'fwd':
        this.#common(type.name, type, 0, type.union, 0);
        break;
      case 'array':
        this.#common('', type, 0, false, 0);
        this.#push(type.element);
        this.#push(type.index);
        this.#push(type.length);
        break;
      case 'func':
        this.#common(type.name, type, linkageNumber(type.linkage), false, type.type);
        break;
      case 'var':
        this.#common(type.name, type, 0, false, type.type);
        this.#push(linkageNumber(type.linkage));
        break;
      case 'struct':
      case 'union':
        this.#composite(type);
        break;
      case 'enum':
      case 'enum64':
        this.#enum(type);
        break;
      case 'func_proto':
        this.#prototype(type);
        break;
      case 'datasec':
        this.#dataSection(type);
        break;
    }
    return added;
  }

  #prototype(type: BtfFuncProto): void {
    this.#common('', type, type.params.length, false, type.returns);
    for (const param of type.params) {
      this.#push(this.strings.add(param.name));
      this.#push(param.type);
    }
  }

  #dataSection(type: BtfDataSec): void {
    this.#common(type.name, type, type.vars.length, false, type.size);
    for (const entry of type.vars) {
      this.#push(entry.type);
      this.#push(entry.offset);
      this.#push(entry.size);
    }
  }

  /** All types so far; the writer must not be used afterwards. */
  finish(): RawBtf {
    this.#begin();
    this.#count--;
    const start = trimmed(this.#start, this.#count + 2);
    return new RawBtf(trimmed(this.#words, this.#length), start, this.strings.finish());
  }

  #begin(): BtfId {
    const id = ++this.#count;
    if (id >= this.#start.length) {
      const grown = new Uint32Array(this.#start.length * 2);
      grown.set(this.#start);
      this.#start = grown;
    }
    this.#start[id] = this.#length;
    return id;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.#words.length) {
      const grown = new Uint32Array(Math.max(needed, this.#words.length * 2));
      grown.set(this.#words.subarray(0, this.#length));
      this.#words = grown;
    }
    this.#length = needed;
  }

  #push(value: number): void {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xffffffff)) {
      throw rangeError(`${value} does not fit in 32 bits`);
    }
    const at = this.#length;
    this.#reserve(1);
    this.#words[at] = value;
  }

  #common(name: string, type: BtfType, vlen: number, flag: boolean, sizeOrType: number): void {
    // only a section can be that large without being a mistake; kernels before the wider vlen refuse to load
    // it
    const limit = type.kind === 'datasec' ? MAX_WIDE_VLEN : MAX_VLEN;
    if (vlen > limit) {
      throw rangeError(`${type.kind} ${quote(name)} has ${vlen} elements; the format takes ${limit}`);
    }
    this.#push(this.strings.add(name));
    this.#push(infoWord(kindNumber(type), vlen, flag));
    this.#push(sizeOrType);
  }

  #composite(type: BtfComposite): void {
    const fields = type.members.some(member => member.bitSize !== 0);
    this.#common(type.name, type, type.members.length, fields, type.size);
    for (const member of type.members) {
      if (fields && (member.bitOffset > MAX_FIELD_OFFSET || member.bitSize > 0xff)) {
        const place = `${member.bitSize} bits at bit ${member.bitOffset}`;
        throw rangeError(`member ${quote(member.name)} of ${quote(type.name)}: ${place} do not fit`);
      }
      this.#push(this.strings.add(member.name));
      this.#push(member.type);
      this.#push(fields ? member.bitSize * 0x1000000 + member.bitOffset : member.bitOffset);
    }
  }

  #enum(type: BtfEnum): void {
    this.#common(type.name, type, type.values.length, type.signed, type.size);
    for (const { name, value } of type.values) {
      this.#push(this.strings.add(name));
      this.#push(Number(BigInt.asUintN(32, value)));
      if (type.kind === 'enum64') this.#push(Number(BigInt.asUintN(32, value >> 32n)));
    }
  }
}

/**
 * The first `length` words: a view where that wastes little, so that the types of a large link are not
 * copied.
 */
function trimmed(words: Uint32Array, length: number): Uint32Array {
  return length * 4 >= words.length * 3 ? words.subarray(0, length) : words.slice(0, length);
}

function intWord(type: BtfInt): number {
  if (type.bits > 0xff || type.bitOffset > 0xff) throw rangeError(`${type.bits} bits at ${type.bitOffset}`);
  const encoding =
    (type.signed ? BTF_INT_SIGNED : 0) | (type.char ? BTF_INT_CHAR : 0) | (type.bool ? BTF_INT_BOOL : 0);
  return ((encoding << 24) | (type.bitOffset << 16) | type.bits) >>> 0;
}

function linkageNumber(linkage: BtfLinkage): number {
  return LINKAGES.indexOf(linkage);
}

function rangeError(message: string): ReturnType<typeof inputError> {
  return inputError('btf-value-range', [], message);
}
