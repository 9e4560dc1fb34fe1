/**
 * C declarations from types.
 *
 * C writes types inside out: `int (*ops[4])(struct a *)` is an array of pointers to functions. Going from a
 * type inwards, pointers are put to the left of what is there so far, arrays and parameters to the right.
 * Parameters and bodies of unnamed structs are declarations again, so text is made by replacing pieces until
 * only text is left, with a stack of their own and a budget: types may refer to each other in circles.
 */

import { noElement } from '../../bytes/index.ts';
import type { BtfFuncProto, BtfId, BtfType, RawBtf } from '../model/index.ts';

/** `name` declared as a type. */
interface DeclarePiece {
  readonly kind: 'declare';
  readonly id: BtfId;
  readonly name: string;
  readonly indent: number;
  readonly depth: number;
}

/** The parameter list of a prototype. */
interface ParamsPiece {
  readonly kind: 'params';
  readonly id: BtfId;
  readonly indent: number;
  readonly depth: number;
}

/** Struct, union or enum, spelled out in braces. */
interface BodyPiece {
  readonly kind: 'body';
  readonly id: BtfId;
  readonly indent: number;
  readonly depth: number;
}

export type Piece = string | DeclarePiece | ParamsPiece | BodyPiece;

/** What differs between a line in a message and a definition that has to compile. */
export interface CStyle {
  /** Name of a struct, union, enum, forward declaration, typedef, int or float. */
  nameOf(id: BtfId): string;
  /** A struct, union or enum without a name. */
  unnamed(id: BtfId, indent: number, depth: number): readonly Piece[];
  /** A struct, union or enum in braces. */
  body(piece: BodyPiece): readonly Piece[];
  /** Whether uses of a typedef are written as what it represents. */
  isTransparent(name: string): boolean;
  /** How an array without a length is written. */
  readonly noLength: string;
  /** Pieces that all texts of this style may still take before `overflow` decides. */
  readonly budget: { left: number };
  /** Text in place of what is beyond the budget, or what throws then. */
  readonly overflow: string | (() => never);
}

/** Pointers, arrays and modifiers in one declaration; more are only in hostile files. */
const MAX_CHAIN = 256;
/** Parameter lists and unnamed structs inside each other. */
const MAX_DEPTH = 32;

export function declarePiece(id: BtfId, name: string, indent = 0, depth = 0): DeclarePiece {
  return { kind: 'declare', id, name, indent, depth };
}

export function bodyPiece(id: BtfId, indent = 0, depth = 0): BodyPiece {
  return { kind: 'body', id, indent, depth };
}

/** Replaces pieces until only text is left. */
export function render(btf: RawBtf, style: CStyle, pieces: readonly Piece[]): string {
  const stack = [...pieces].reverse();
  const text: string[] = [];
  for (let piece = stack.pop(); piece !== undefined; piece = stack.pop()) {
    if (style.budget.left-- <= 0) return overflow(style, text);
    if (typeof piece === 'string') {
      text.push(piece);
      continue;
    }
    const parts = expand(btf, style, piece);
    for (let i = parts.length - 1; i >= 0; i--) stack.push(parts[i] ?? noElement(parts, i));
  }
  return text.join('');
}

function overflow(style: CStyle, text: readonly string[]): string {
  return typeof style.overflow === 'string' ? text.join('') + style.overflow : style.overflow();
}

function expand(btf: RawBtf, style: CStyle, piece: Exclude<Piece, string>): readonly Piece[] {
  if (piece.depth > MAX_DEPTH) return [piece.kind === 'params' ? '(...)' : `void ${beyond(piece)}`];
  switch (piece.kind) {
    case 'declare':
      return declare(btf, style, piece);
    case 'params':
      return parameters(btf, piece);
    case 'body':
      return style.body(piece);
  }
}

function beyond(piece: DeclarePiece | BodyPiece): string {
  return piece.kind === 'declare' ? `/* too deep */ *${piece.name}` : '/* too deep */';
}

/** The declarator as far as it is known: what is left and right of the name. */
interface Declarator {
  left: string;
  readonly right: Piece[];
  /** Modifiers seen since the last pointer; they belong to what comes next. */
  qualifiers: string[];
  /** Type tags likewise. */
  tags: string[];
  /** Whether the last step was a pointer: arrays and parameters then need parentheses. */
  pointer: boolean;
}

function declare(btf: RawBtf, style: CStyle, piece: DeclarePiece): Piece[] {
  const state: Declarator = { left: '', right: [], qualifiers: [], tags: [], pointer: false };
  let id = piece.id;
  for (let step = 0; step < MAX_CHAIN && id !== 0; step++) {
    const next = stepInwards(style, state, btf.type(id), id, piece);
    if (next === undefined) break;
    id = next;
  }
  const modifiers = takeModifiers(state).filter(word => word !== 'restrict');
  const prefix = modifiers.map(word => `${word} `).join('');
  const bare = state.left === '' && piece.name === '' && typeof state.right[0] !== 'object';
  const space = bare ? '' : ' ';
  const declarator = `${space}${state.left}${piece.name}`;
  return [prefix, ...specifier(btf, style, id, piece), declarator, ...state.right];
}

/** Takes one pointer, modifier, array or prototype off; undefined at a type that has a name or a body. */
function stepInwards(
  style: CStyle,
  state: Declarator,
  type: BtfType,
  id: BtfId,
  piece: DeclarePiece,
): BtfId | undefined {
  switch (type.kind) {
    case 'const':
    case 'volatile':
    case 'restrict':
      state.qualifiers.push(type.kind);
      return type.type;
    case 'type_tag':
      state.tags.push(attribute('btf_type_tag', type.name, type.attribute));
      return type.type;
    case 'ptr': {
      const modifiers = takeModifiers(state).join(' ');
      const space = modifiers !== '' && (state.left !== '' || piece.name !== '') ? ' ' : '';
      state.left = `*${modifiers}${space}${state.left}`;
      state.pointer = true;
      return type.type;
    }
    case 'array':
      parenthesize(state);
      state.right.push(type.length === 0 ? style.noLength : `[${type.length}]`);
      return type.element;
    case 'func_proto':
      parenthesize(state);
      state.right.push({ kind: 'params', id, indent: piece.indent, depth: piece.depth + 1 });
      takeModifiers(state);
      return type.returns;
    case 'typedef':
      return style.isTransparent(type.name) ? type.type : undefined;
    case 'func':
    case 'var':
      return type.type;
    default:
      return undefined;
  }
}

function parenthesize(state: Declarator): void {
  if (!state.pointer) return;
  state.left = `(${state.left}`;
  state.right.push(')');
  state.pointer = false;
}

/** The modifiers since the last pointer. The compiler puts the last tag of the source outermost. */
function takeModifiers(state: Declarator): string[] {
  const words = [...new Set(state.qualifiers), ...state.tags.reverse()];
  state.qualifiers = [];
  state.tags = [];
  return words;
}

function specifier(btf: RawBtf, style: CStyle, id: BtfId, piece: DeclarePiece): readonly Piece[] {
  if (id === 0) return ['void'];
  const type = btf.type(id);
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'typedef':
      return [style.nameOf(id)];
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
      if (type.name === '') return style.unnamed(id, piece.indent, piece.depth + 1);
      return [`${keywordOf(type)} ${style.nameOf(id)}`];
    case 'fwd':
      return [`${keywordOf(type)} ${style.nameOf(id)}`];
    case 'datasec':
    case 'decl_tag':
      return [`${type.kind} ${style.nameOf(id)}`];
    default:
      return ['void /* too deep */'];
  }
}

/** `struct`, `union` or `enum`. */
export function keywordOf(type: BtfType): string {
  switch (type.kind) {
    case 'union':
      return 'union';
    case 'enum':
    case 'enum64':
      return 'enum';
    case 'fwd':
      return type.union ? 'union' : 'struct';
    default:
      return 'struct';
  }
}

function parameters(btf: RawBtf, piece: ParamsPiece): Piece[] {
  const proto = btf.type(piece.id);
  if (proto.kind !== 'func_proto' || proto.params.length === 0) return ['(void)'];
  const pieces: Piece[] = ['('];
  for (const [index, param] of proto.params.entries()) {
    if (index > 0) pieces.push(', ');
    if (isEllipsis(proto, index)) pieces.push('...');
    else pieces.push(declarePiece(param.type, param.name, piece.indent, piece.depth + 1));
  }
  pieces.push(')');
  return pieces;
}

/** Whether parameter `index` represents `...`. */
export function isEllipsis(proto: BtfFuncProto, index: number): boolean {
  const param = proto.params[index];
  return index === proto.params.length - 1 && param?.type === 0 && param.name === '';
}

/** A tag as clang's attribute, or the attribute that the tag itself is. */
export function attribute(keyword: string, text: string, bare: boolean): string {
  return bare ? `__attribute__((${text}))` : `__attribute__((${keyword}("${escapeText(text)}")))`;
}

function escapeText(text: string): string {
  let escaped = '';
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '"' || character === '\\') escaped += `\\${character}`;
    else if (code < 0x20 || code === 0x7f) escaped += `\\${code.toString(8).padStart(3, '0')}`;
    else escaped += character;
  }
  return escaped;
}
