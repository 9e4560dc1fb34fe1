/**
 * Names under which types can be together in one C file: valid identifiers, and different where C has one
 * name space for what BTF keeps apart. Later types of a name get `___2`, `___3`, … as with bpftool; CO-RE
 * ignores what follows three underscores.
 */

import { BTF_KIND } from '../../uapi/index.ts';
import { type BtfFloat, type BtfId, type BtfInt, idsOfKinds, type RawBtf } from '../model/index.ts';
import { keywordOf } from './declare.ts';

const INT_WORDS = new Set(['unsigned', 'signed', 'int', 'long', 'short', 'char', '_Bool', '__int128']);
const FLOAT_NAMES = new Set(['float', 'double', 'long double', '_Float16', '__fp16', '__bf16', '__float128']);
const INT_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'char'],
  [2, 'short'],
  [4, 'int'],
  [8, 'long'],
  [16, '__int128'],
]);

/** Typedefs that every compiler has already, but not for every target as the same type. */
const BUILTIN_TYPEDEFS = new Set(['__builtin_va_list', '__int128_t', '__uint128_t']);

export function isBuiltinTypedef(name: string): boolean {
  return BUILTIN_TYPEDEFS.has(name);
}

class NameSpace {
  readonly #used = new Set<string>();
  /** By name: the least number that may be free. */
  readonly #numbers = new Map<string, number>();

  take(name: string): string {
    if (!this.#used.has(name)) return this.#add(name);
    let number = this.#numbers.get(name) ?? 2;
    while (this.#used.has(`${name}___${number}`)) number++;
    this.#numbers.set(name, number + 1);
    return this.#add(`${name}___${number}`);
  }

  #add(name: string): string {
    this.#used.add(name);
    return name;
  }

  has(name: string): boolean {
    return this.#used.has(name);
  }
}

/** Names for one C file. Types get theirs in the order of ids. */
export class UniqueNames {
  readonly #btf: RawBtf;
  readonly #names = new Map<BtfId, string>();
  /** Enumerators that could not keep their names, by enum. */
  readonly #enumerators = new Map<BtfId, Map<number, string>>();

  constructor(btf: RawBtf) {
    this.#btf = btf;
    this.#nameTags();
    this.#nameOrdinary();
  }

  nameOf(id: BtfId): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const type = this.#btf.type(id);
    if (type.kind === 'int') return intName(type);
    if (type.kind === 'float') return floatName(type);
    return identifier(this.#btf.nameOf(id));
  }

  enumerator(id: BtfId, index: number, name: string): string {
    return this.#enumerators.get(id)?.get(index) ?? identifier(name);
  }

  member(name: string): string {
    return name === '' ? '' : identifier(name);
  }

  /**
   * Structs, unions and enums share one name space; a forward declaration has the name of what it declares.
   */
  #nameTags(): void {
    const tags = new NameSpace();
    const declared = new Map<string, string>();
    const forwards = idsOfKinds(this.#btf, [BTF_KIND.FWD]);
    for (const ids of [idsOfKinds(this.#btf, DEFINED_TAGS), forwards]) {
      for (const id of ids) {
        if (this.#btf.nameOf(id) === '') continue;
        const key = `${keywordOf(this.#btf.type(id))} ${this.#btf.nameOf(id)}`;
        const known = ids === forwards ? declared.get(key) : undefined;
        const name = known ?? tags.take(identifier(this.#btf.nameOf(id)));
        if (!declared.has(key)) declared.set(key, name);
        this.#names.set(id, name);
      }
    }
  }

  /** Typedefs and enumerators share the other. */
  #nameOrdinary(): void {
    const ordinary = new NameSpace();
    for (const id of idsOfKinds(this.#btf, [BTF_KIND.TYPEDEF, ...ENUMS])) {
      const type = this.#btf.type(id);
      if (type.kind === 'typedef') this.#names.set(id, nameTypedef(ordinary, type.name));
      if (type.kind !== 'enum' && type.kind !== 'enum64') continue;
      const renamed = new Map<number, string>();
      for (const [index, { name }] of type.values.entries()) {
        const taken = ordinary.take(identifier(name));
        if (taken !== name) renamed.set(index, taken);
      }
      if (renamed.size > 0) this.#enumerators.set(id, renamed);
    }
  }
}

function nameTypedef(names: NameSpace, name: string): string {
  return isBuiltinTypedef(name) && !names.has(name) ? name : names.take(identifier(name));
}

/** Kinds of enums. */
export const ENUMS: readonly number[] = [BTF_KIND.ENUM, BTF_KIND.ENUM64];
const DEFINED_TAGS: readonly number[] = [BTF_KIND.STRUCT, BTF_KIND.UNION, ...ENUMS];

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** Names of other languages (`Option<u32>`) with underscores for what C does not allow. */
function identifier(name: string): string {
  if (IDENTIFIER.test(name)) return name;
  let text = '';
  for (const character of name) text += isWordCharacter(character) ? character : '_';
  const first = text.charCodeAt(0);
  return first >= 0x30 && first <= 0x39 ? `_${text}` : text;
}

function isWordCharacter(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  const digit = code >= 0x30 && code <= 0x39;
  const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return digit || letter || character === '_' || character === '$';
}

/** C's own names stay; an integer of another language becomes C's of that size. */
function intName(type: BtfInt): string {
  if (type.name !== '' && type.name.split(' ').every(word => INT_WORDS.has(word))) return type.name;
  if (type.bool && type.size === 1) return '_Bool';
  return `${type.signed ? 'signed ' : 'unsigned '}${INT_NAMES.get(type.size) ?? 'char'}`;
}

function floatName(type: BtfFloat): string {
  if (FLOAT_NAMES.has(type.name)) return type.name;
  if (type.size === 4) return 'float';
  return type.size === 8 ? 'double' : 'long double';
}
