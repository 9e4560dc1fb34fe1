/**
 * C types as types of TypeScript: of the values that `decodeData` makes of them, and in its words.
 *
 * Structs, unions and enums are declared once in a namespace and named elsewhere, so what is written is linear in
 * the types. Types come from files: walks are bounded, and what has no value is `never`, as reading it throws.
 */

import { inputError, type RootletError } from '../../diag/index.ts';
import { formatDeclaration, formatType } from '../c/index.ts';
import { type Btf, type BtfArray, type BtfEnum, type BtfId, isModifier } from '../model/index.ts';
import { isText, MAX_DATA_DEPTH } from '../values/index.ts';
import { comment, Identifiers, property } from './names.ts';

/** Arrays of up to so many elements are tuples. */
const LONGEST_TUPLE = 8;
/** Enumerators of up to so many are listed. */
const MOST_LISTED = 64;
/** Members that are written at most: anonymous types that contain each other repeat theirs. */
const MOST_MEMBERS = 1 << 17;
/** The namespace of declarations. */
const NAMESPACE = 'c';

/** What is behind typedefs and qualifiers, with the last name on the way. */
interface Resolved {
  readonly id: BtfId;
  /** '' without one. */
  readonly typedef: string;
}

/** Types of one object, declared as far as they were asked for. */
export class TypeScriptTypes {
  readonly #btf: Btf;
  readonly #names = new Map<BtfId, string>();
  /** Typedefs of types that have no name of their own. */
  readonly #typedefs = new Map<BtfId, string>();
  readonly #identifiers = new Identifiers();
  readonly #bodies: string[] = [];
  #membersLeft = MOST_MEMBERS;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** The type of values of type `id`. `hint` names an anonymous struct. */
  typeOf(id: BtfId, hint: string): string {
    return this.#type(id, hint, 0);
  }

  /** The namespace with everything that was named so far; '' where nothing was. */
  declarations(): string {
    this.#declareNamed();
    if (this.#bodies.length === 0) return '';
    return `export declare namespace ${NAMESPACE} {\n${this.#bodies.join('\n')}}\n`;
  }

  #type(id: BtfId, hint: string, depth: number): string {
    const { id: resolved, typedef } = resolve(this.#btf, id);
    if (resolved === 0 || depth > MAX_DATA_DEPTH) return 'never';
    const type = this.#btf.type(resolved);
    switch (type.kind) {
      case 'int':
        return type.bool ? 'boolean' : integer(type.size);
      case 'ptr':
        return 'bigint';
      case 'float':
        return type.size === 4 || type.size === 8 ? 'number' : 'never';
      case 'array':
        return this.#array(type, hint, depth);
      case 'enum':
      case 'enum64':
        if (type.name === '' && typedef === '') return integer(type.size);
        return this.#named(resolved, type.name, typedef, hint);
      case 'struct':
      case 'union':
        return this.#named(resolved, type.name, typedef, hint);
      default:
        return 'never';
    }
  }

  #array(type: BtfArray, hint: string, depth: number): string {
    if (isText(this.#btf, type)) return 'string';
    const element = this.#type(type.element, hint, depth + 1);
    if (type.length > LONGEST_TUPLE) return listOf(element);
    return `readonly [${new Array(type.length).fill(element).join(', ')}]`;
  }

  #named(id: BtfId, name: string, typedef: string, hint: string): string {
    const known =
      this.#names.get(id) ?? this.#identifiers.take([name, typedef, hint].find(one => one !== '') ?? '');
    if (name === '' && typedef !== '' && !this.#typedefs.has(id)) this.#typedefs.set(id, typedef);
    this.#names.set(id, known);
    return `${NAMESPACE}.${known}`;
  }

  /** Writing one may name others, which are then written too. */
  #declareNamed(): void {
    const names = [...this.#names];
    for (let next = this.#bodies.length; next < names.length; next++) {
      const [id, name] = names[next] ?? [0, ''];
      const type = this.#btf.type(id);
      const body = type.kind === 'enum' || type.kind === 'enum64' ? enumeration(type, name) : '';
      this.#bodies.push(this.#titleOf(id) + (body === '' ? this.#composite(id, name) : body));
      names.push(...[...this.#names].slice(names.length));
    }
  }

  #titleOf(id: BtfId): string {
    const type = this.#btf.type(id);
    const size = 'size' in type ? `: ${type.size} byte${type.size === 1 ? '' : 's'}` : '';
    const values = type.kind === 'enum' || type.kind === 'enum64' ? enumerators(type) : '';
    const shown = this.#typedefs.get(id) ?? formatType(this.#btf, id);
    return `  ${comment(shown + values, size)}\n`;
  }

  #composite(id: BtfId, name: string): string {
    const members = new Map<string, string>();
    this.#addMembers(id, name, members, 0);
    const lines = [...members.values()].join('');
    // no interface: one has no index signature, so it is not a `BtfValue`
    return `  export type ${name} = {\n${lines}  };\n`;
  }

  /** Members of anonymous structs and unions are among those of the outer one, as in C. */
  #addMembers(id: BtfId, outer: string, members: Map<string, string>, depth: number): void {
    const type = this.#btf.type(id);
    if ((type.kind !== 'struct' && type.kind !== 'union') || depth > MAX_DATA_DEPTH) return;
    for (const member of type.members) {
      this.#membersLeft--;
      if (this.#membersLeft < 0) throw tooLarge();
      if (member.name === '') {
        this.#addMembers(resolve(this.#btf, member.type).id, outer, members, depth + 1);
        continue;
      }
      const bits = member.bitSize === 0 ? '' : `: ${member.bitSize} bits`;
      const declared = comment(formatDeclaration(this.#btf, member.type, member.name), bits);
      const value = this.#type(member.type, `${outer}_${member.name}`, depth + 1);
      members.set(member.name, `    ${declared}\n    readonly ${property(member.name)}: ${value};\n`);
    }
  }
}

function resolve(btf: Btf, id: BtfId): Resolved {
  let current = id;
  let typedef = '';
  for (let step = 0; step < MAX_DATA_DEPTH && current !== 0; step++) {
    const type = btf.type(current);
    if (type.kind !== 'var' && !isModifier(type)) return { id: current, typedef };
    if (type.kind === 'typedef') typedef = type.name;
    current = type.type;
  }
  return { id: 0, typedef };
}

/** A list of values of a type that `typeOf` gave. */
export function listOf(element: string): string {
  return element.startsWith('readonly') ? `readonly (${element})[]` : `readonly ${element}[]`;
}

/** As `decodeData` has it: wider than 4 bytes is a bigint. */
function integer(size: number): 'number' | 'bigint' {
  return size <= 4 ? 'number' : 'bigint';
}

/** Any value of the integer may be there: an enumerator in C is only a name for one. */
function enumeration({ values, size }: BtfEnum, name: string): string {
  const base = integer(size);
  const suffix = base === 'bigint' ? 'n' : '';
  const distinct = [...new Set(values.map(({ value }) => value))];
  const listed = distinct.length > MOST_LISTED ? [] : distinct.map(value => `${value}${suffix}`);
  return `  export type ${name} = ${[...listed, listed.length === 0 ? base : `(${base} & {})`].join(' | ')};\n`;
}

function enumerators({ values }: BtfEnum): string {
  const shown = values.slice(0, MOST_LISTED).map(({ name, value }) => `${name} = ${value}`);
  const more = values.length > shown.length ? ', …' : '';
  return shown.length === 0 ? '' : ` { ${shown.join(', ')}${more} }`;
}

function tooLarge(): RootletError {
  return inputError('btf-c-too-large', [], 'the types are too large when written as TypeScript');
}
