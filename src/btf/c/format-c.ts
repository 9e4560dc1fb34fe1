/**
 * All types as one C header that compiles: as `bpftool btf dump format c` prints it, to be included by BPF
 * programs.
 *
 * C requires a type to be complete before it is used by value, and at least declared before it is used in a
 * parameter list, so types are written after what they need. A need has one of two levels: declared (`struct
 * s;`, or a whole typedef) or complete. Needs are followed with a stack of their own, since depth comes from
 * files.
 *
 * Differs from bpftool: layouts are given by padding and `packed` only, declaration tags are written, members
 * are never silently misplaced (unnamed members of named structs get a name), and other languages' names are
 * made valid.
 */

import { elementAt, given, noElement } from '../../bytes/index.ts';
import { inputError, type Limits, limitOf, type RootletError, raiseHint } from '../../diag/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import {
  type Btf,
  type BtfEnum,
  type BtfId,
  type BtfType,
  idsOfKinds,
  type RawBtf,
  toRaw,
} from '../model/index.ts';
import { BodyWriter } from './body.ts';
import { bodyPiece, type CStyle, declarePiece, keywordOf, type Piece, render } from './declare.ts';
import { ENUMS, isBuiltinTypedef, UniqueNames } from './names.ts';

/** Characters that any types may take, whatever the limit `text` is. */
const TEXT_BASE = 1 << 20;
/** Pieces of one header for each unit of the limit; that of a whole kernel takes half a million in all. */
const PIECES = 250_000;

/**
 * Definitions of all structs, unions, enums and typedefs, and of what they need; variables and functions are
 * not written. Deterministic: in the order of ids as far as dependencies allow. Throws `btf-c-too-large` for
 * types that cannot be written down in a sensible size (`limits.text`, docs/robustness.md).
 */
export function formatBtfAsC(btf: Btf, options: { readonly limits?: Limits } = {}): string {
  const raw = toRaw(btf);
  const header = new HeaderWriter(raw, limitOf(options.limits, 'text'));
  for (const id of idsOfKinds(raw, DEFINITIONS)) {
    if (isDefinition(raw, id)) header.require(id, COMPLETE);
  }
  header.writeUnusedEnums();
  return header.text();
}

/** By kind and name alone: most types of an object are functions and variables, which need not be decoded. */
const DEFINITIONS: readonly number[] = [
  BTF_KIND.STRUCT,
  BTF_KIND.UNION,
  ...ENUMS,
  BTF_KIND.TYPEDEF,
  BTF_KIND.FWD,
];

function isDefinition(btf: RawBtf, id: BtfId): boolean {
  const kind = btf.kindOf(id);
  return kind === BTF_KIND.TYPEDEF || kind === BTF_KIND.FWD || btf.nameOf(id) !== '';
}

/** Levels of a need, as bits. */
const DECLARED = 1;
const COMPLETE = 2;

interface Need {
  readonly id: BtfId;
  readonly level: number;
}

/** A type whose needs are being met. */
interface Frame extends Need {
  readonly needs: readonly Need[];
  next: number;
}

class HeaderWriter {
  readonly #btf: RawBtf;
  readonly #names: UniqueNames;
  readonly #bodies: BodyWriter;
  readonly #style: CStyle;
  /** Levels that each type has been started with. */
  readonly #started: Uint8Array;
  readonly #written: Uint8Array;
  /** Names of forward declarations so far, which several types may share. */
  readonly #forwards = new Set<string>();
  readonly #parts: string[] = [];
  /** Characters for each byte of types and strings. */
  readonly #limit: number;
  /** Characters that may still be written. */
  #left: number;

  constructor(btf: RawBtf, limit: number) {
    this.#btf = btf;
    this.#limit = limit;
    this.#left = TEXT_BASE + limit * (4 * btf.words.length + btf.strings.length);
    let names = 0;
    for (let id = 1; id <= btf.count && names <= this.#left; id++) names += btf.nameOf(id).length;
    if (names > this.#left) throw tooLarge(limit);
    this.#names = new UniqueNames(btf);
    this.#bodies = new BodyWriter(btf, this.#names);
    this.#started = new Uint8Array(btf.count + 1);
    this.#written = new Uint8Array(btf.count + 1);
    this.#style = {
      nameOf: id => this.#names.nameOf(id),
      unnamed: (id, indent, depth) => this.#unnamed(id, indent, depth),
      body: piece => this.#bodies.body(piece.id, piece.indent, piece.depth),
      isTransparent: isBuiltinTypedef,
      noLength: '[0]',
      budget: { left: limit * PIECES },
      overflow: () => {
        throw tooLarge(limit);
      },
    };
  }

  text(): string {
    return this.#parts.join('\n');
  }

  /** Writes the type and before it all that it needs. */
  require(id: BtfId, level: number): void {
    const stack: Frame[] = [];
    this.#start(stack, { id, level });
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const need = frame.needs[frame.next];
      frame.next++;
      if (need !== undefined) {
        this.#start(stack, need);
      } else {
        stack.pop();
        this.#write(frame);
      }
    }
  }

  /** Enums whose only use is their values. */
  writeUnusedEnums(): void {
    for (const id of idsOfKinds(this.#btf, ENUMS)) {
      if (this.#written[id] === 1) continue;
      const type = this.#btf.type(id);
      if (type.kind !== 'enum' && type.kind !== 'enum64') continue;
      if (type.name === '' && type.values.length > 0) this.#writeBody(id);
    }
  }

  #start(stack: Frame[], { id, level }: Need): void {
    const started = elementAt(this.#started, id);
    if ((started & level) !== 0) return;
    this.#started[id] = started | level;
    stack.push({ id, level, needs: collectNeeds(this.#btf, id, level), next: 0 });
  }

  #write({ id, level }: Need): void {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case 'typedef':
        if (level === DECLARED) this.#writeTypedef(id, type.name, type.type);
        break;
      case 'enum':
      case 'enum64':
        this.#writeBody(id);
        break;
      case 'struct':
      case 'union':
        if (level === COMPLETE) this.#writeBody(id);
        else this.#writeForward(id);
        break;
      default:
        this.#writeForward(id);
        break;
    }
  }

  #writeTypedef(id: BtfId, name: string, target: BtfId): void {
    if (isBuiltinTypedef(name)) return;
    const declaration = declarePiece(target, this.#names.nameOf(id));
    this.#emit(['typedef ', declaration, `${this.#bodies.tags(id, -1)};\n`]);
  }

  #writeBody(id: BtfId): void {
    if (this.#written[id] === 1) return;
    this.#written[id] = 1;
    this.#emit([bodyPiece(id), ';\n']);
  }

  #writeForward(id: BtfId): void {
    const type = this.#btf.type(id);
    if (this.#written[id] === 1) return;
    const declaration = `${keywordOf(type)} ${this.#names.nameOf(id)}`;
    if (this.#forwards.has(declaration)) return;
    this.#forwards.add(declaration);
    this.#add(`${declaration};\n`);
  }

  #emit(pieces: readonly Piece[]): void {
    this.#add(render(this.#btf, this.#style, pieces));
  }

  /** Names that are long and used often, or ends of others, would make a text that is much longer than the types. */
  #add(text: string): void {
    this.#left -= text.length;
    if (this.#left < 0) throw tooLarge(this.#limit);
    this.#parts.push(text);
  }

  /** The values of an enum can be defined only once; later uses of an unnamed one are integers. */
  #unnamed(id: BtfId, indent: number, depth: number): readonly Piece[] {
    const type = this.#btf.type(id);
    if (type.kind !== 'enum' && type.kind !== 'enum64') return [bodyPiece(id, indent, depth)];
    if (this.#written[id] === 1) return [integerFor(type)];
    this.#written[id] = 1;
    return [bodyPiece(id, indent, depth)];
  }
}

function tooLarge(limit: number): RootletError {
  const message = `the types are too large when written as C: more than ${limit} characters for each of their bytes`;
  return inputError('btf-c-too-large', [], message, given({ hint: raiseHint('text', limit) }));
}

function integerFor(type: BtfEnum): string {
  const name = type.size === 1 ? 'char' : type.size === 2 ? 'short' : type.size === 8 ? 'long' : 'int';
  return type.signed ? `signed ${name}` : `unsigned ${name}`;
}

// --- needs --------------------------------------------------------------------------------------------------------

/** What has to be before the type. */
function collectNeeds(btf: RawBtf, id: BtfId, level: number): Need[] {
  const type = btf.type(id);
  const walk = new NeedWalk(btf);
  if (type.kind === 'typedef') {
    walk.visit(type.type, level === COMPLETE);
    // The name itself needs less than what it represents, which may need the name.
    return level === COMPLETE ? [{ id, level: DECLARED }, ...walk.needs] : walk.needs;
  }
  if ((type.kind !== 'struct' && type.kind !== 'union') || level === DECLARED) return [];
  for (const member of type.members) walk.visit(member.type, true);
  return walk.needs.filter(need => need.id !== id);
}

/** Goes through everything that one declaration spells out, up to the next names. */
class NeedWalk {
  readonly needs: Need[] = [];
  readonly #btf: RawBtf;
  readonly #seen = new Set<number>();
  readonly #pending: { readonly id: BtfId; readonly byValue: boolean }[] = [];

  constructor(btf: RawBtf) {
    this.#btf = btf;
  }

  visit(id: BtfId, byValue: boolean): void {
    this.#push(id, byValue);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.#step(next.id, this.#btf.type(next.id), next.byValue);
    }
  }

  #push(id: BtfId, byValue: boolean): void {
    const key = id * 2 + (byValue ? 1 : 0);
    if (id === 0 || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#pending.push({ id, byValue });
  }

  #step(id: BtfId, type: BtfType, byValue: boolean): void {
    switch (type.kind) {
      case 'ptr':
        this.#push(type.type, false);
        break;
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        this.#push(type.type, byValue);
        break;
      case 'array':
        // Elements must be complete even behind a pointer.
        this.#push(type.element, true);
        break;
      case 'func_proto':
        for (let i = type.params.length - 1; i >= 0; i--)
          this.#push((type.params[i] ?? noElement(type.params, i)).type, false);
        this.#push(type.returns, false);
        break;
      case 'struct':
      case 'union':
        if (type.name !== '') this.needs.push({ id, level: byValue ? COMPLETE : DECLARED });
        else
          for (let i = type.members.length - 1; i >= 0; i--)
            this.#push((type.members[i] ?? noElement(type.members, i)).type, true);
        break;
      case 'enum':
      case 'enum64':
        if (type.name !== '') this.needs.push({ id, level: COMPLETE });
        break;
      case 'typedef':
        if (isBuiltinTypedef(type.name)) this.#push(type.type, byValue);
        else this.needs.push({ id, level: byValue ? COMPLETE : DECLARED });
        break;
      case 'fwd':
        this.needs.push({ id, level: DECLARED });
        break;
      default:
        break;
    }
  }
}
