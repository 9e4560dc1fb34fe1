/**
 * Types as C for users: one line for a message or a listing, or one whole definition. Names are shown as they
 * are in the file; what has to compile is made by `formatBtfAsC`.
 */

import { quote } from '../../diag/index.ts';
import { type Btf, type BtfId, type BtfLinkage, type RawBtf, toRaw } from '../model/index.ts';
import { BodyWriter } from './body.ts';
import { bodyPiece, type CStyle, declarePiece, keywordOf, type Piece, render } from './declare.ts';

/** Enough for any readable line. */
const LINE_BUDGET = 400;
const DEFINITION_BUDGET = 200_000;

function lineStyle(btf: RawBtf): CStyle {
  return {
    nameOf: id => btf.nameOf(id),
    unnamed: id => [`${keywordOf(btf.type(id))} {...}`],
    body: () => [],
    isTransparent: () => false,
    noLength: '[]',
    budget: { left: LINE_BUDGET },
    overflow: '…',
  };
}

/** The type alone, such as `struct xdp_md *`. Functions and variables are written with their names. */
export function formatType(btf: Btf, id: BtfId): string {
  const raw = toRaw(btf);
  if (id === 0) return 'void';
  const type = raw.type(id);
  switch (type.kind) {
    case 'func':
    case 'var':
      return linkedDeclaration(raw, type.linkage, type.type, type.name);
    case 'datasec':
      return `section ${quote(type.name)}`;
    case 'decl_tag':
      return `tag ${quote(type.name)} on ${formatType(raw, type.type)}`;
    default:
      return formatDeclaration(raw, id, '');
  }
}

/** `name` declared with the type, such as `int (*ops[4])(struct a *, int)`. */
export function formatDeclaration(btf: Btf, id: BtfId, name: string): string {
  const raw = toRaw(btf);
  if (name === '') return declaration(raw, id, '');
  const { before, after } = aroundName(raw, id);
  return after === undefined ? before : `${before}${name}${after}`;
}

function declaration(raw: RawBtf, id: BtfId, name: string): string {
  return render(raw, lineStyle(raw), [declarePiece(id, name)]);
}

/** No name of a file contains it. */
const NAME_MARK = '\0';

/** A declaration without the name that it declares. */
export interface AroundName {
  /** All of the text where `after` is undefined. */
  readonly before: string;
  /** Undefined where there is no name, or the text is cut off before it. */
  readonly after: string | undefined;
}

const known = new WeakMap<RawBtf, Map<BtfId, AroundName>>();

/** What is before and after the declared name: most symbols of an object have the type of another one. */
function aroundName(raw: RawBtf, id: BtfId): AroundName {
  let texts = known.get(raw);
  if (texts === undefined) {
    texts = new Map();
    known.set(raw, texts);
  }
  const text = texts.get(id);
  if (text !== undefined) return text;
  const [before = '', after] = declaration(raw, id, NAME_MARK).split(NAME_MARK);
  const made = { before, after };
  texts.set(id, made);
  return made;
}

/** Prototype of a FUNC with its name, such as `static int foo(struct xdp_md *ctx)`. */
export function formatFunc(btf: Btf, funcId: BtfId): string {
  return linkedText(btf, funcId) ?? formatType(btf, funcId);
}

/** Declaration of a VAR, such as `extern int counter`. */
export function formatVar(btf: Btf, varId: BtfId): string {
  return linkedText(btf, varId) ?? formatType(btf, varId);
}

/** Either; undefined for other types. Throws `btf-type-id` for an id that the types do not have. */
export function linkedText(btf: Btf, id: BtfId): string | undefined {
  const raw = toRaw(btf);
  const around = aroundLinked(raw, id);
  if (around === undefined || around.after === undefined) return around?.before;
  return `${around.before}${raw.nameOf(id)}${around.after}`;
}

/**
 * What the declaration of a FUNC or VAR has before and after its name; undefined for other types. Throws
 * `btf-type-id` for an id that the types do not have.
 */
export function aroundLinked(raw: RawBtf, id: BtfId): AroundName | undefined {
  // A listing shows most functions and variables of an object once: none becomes an object.
  const linkage = raw.linkageOf(id) ?? decodedLinkage(raw, id);
  if (linkage === undefined) return undefined;
  const prefix = linkagePrefix(linkage);
  if (raw.nameOf(id) === '')
    return { before: prefix + declaration(raw, raw.targetOf(id), ''), after: undefined };
  const { before, after } = aroundName(raw, raw.targetOf(id));
  return { before: prefix + before, after };
}

/** Of a function or variable whose words have no known linkage. */
function decodedLinkage(raw: RawBtf, id: BtfId): BtfLinkage | undefined {
  const type = raw.type(id);
  return type.kind === 'func' || type.kind === 'var' ? type.linkage : undefined;
}

function linkedDeclaration(raw: RawBtf, linkage: BtfLinkage, type: BtfId, name: string): string {
  return `${linkagePrefix(linkage)}${formatDeclaration(raw, type, name)}`;
}

function linkagePrefix(linkage: BtfLinkage): string {
  return linkage === 'global' ? '' : `${linkage} `;
}

/**
 * The whole definition of a struct, union, enum or typedef, over several lines and without what it depends
 * on; for other types their declaration. Ends with a semicolon.
 */
export function formatDefinition(btf: Btf, id: BtfId): string {
  const raw = toRaw(btf);
  const style = definitionStyle(raw);
  const type = id === 0 ? undefined : raw.type(id);
  switch (type?.kind) {
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
      return render(raw, style, [bodyPiece(id), ';']);
    case 'fwd':
      return `${keywordOf(type)} ${type.name};`;
    case 'typedef':
      return render(raw, style, ['typedef ', declarePiece(type.type, type.name), ';']);
    default:
      return `${formatType(raw, id)};`;
  }
}

function definitionStyle(btf: RawBtf): CStyle {
  const names = { nameOf: (id: BtfId): string => btf.nameOf(id), enumerator: plainEnumerator };
  const bodies = new BodyWriter(btf, names);
  return {
    nameOf: names.nameOf,
    unnamed: (id, indent, depth): Piece[] => [bodyPiece(id, indent, depth)],
    body: piece => bodies.body(piece.id, piece.indent, piece.depth),
    isTransparent: () => false,
    noLength: '[0]',
    budget: { left: DEFINITION_BUDGET },
    overflow: ' /* … */',
  };
}

function plainEnumerator(_id: BtfId, _index: number, name: string): string {
  return name;
}
