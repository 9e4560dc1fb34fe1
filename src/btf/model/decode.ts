/** One type from its words to a value. The words have been validated, so nothing here can fail. */

import { noElement } from '../../bytes/index.ts';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED, BTF_KIND } from '../../uapi/index.ts';
import type {
  BtfEnumerator,
  BtfFuncProto,
  BtfId,
  BtfInt,
  BtfLinkage,
  BtfMember,
  BtfParam,
  BtfSecVar,
  BtfType,
} from './types.ts';
import { COMMON_WORDS, kindFlagOfInfo, kindOfInfo, vlenOfInfo } from './words.ts';

const MEMBER_WORDS = 3;

export const LINKAGES: readonly BtfLinkage[] = ['static', 'global', 'extern'];

/** What decoding reads of a type section (`RawBtf` is one). */
export interface TypeWords {
  readonly words: Uint32Array;
  readonly start: Uint32Array;
  info(id: BtfId): number;
  string(offset: number): string;
}

/** The words of one type, relative to its start. */
interface Cursor {
  readonly btf: TypeWords;
  readonly at: number;
  /** BTF_KIND_… */
  readonly kind: number;
  readonly vlen: number;
  readonly kindFlag: boolean;
}

function cursorAt(btf: TypeWords, id: BtfId): Cursor {
  const info = btf.info(id);
  return {
    btf,
    at: btf.start[id] ?? 0,
    kind: kindOfInfo(info),
    vlen: vlenOfInfo(info),
    kindFlag: kindFlagOfInfo(info),
  };
}

function word(cursor: Cursor, index: number): number {
  const { words } = cursor.btf;
  const at = cursor.at + index;
  return words[at] ?? noElement(words, at);
}

function text(cursor: Cursor, index: number): string {
  return cursor.btf.string(word(cursor, index));
}

export function decodeType(btf: TypeWords, id: BtfId): BtfType {
  const cursor = cursorAt(btf, id);
  const name = text(cursor, 0);
  const sizeOrType = word(cursor, 2);
  switch (cursor.kind) {
    case BTF_KIND.INT:
      return decodeInt(name, sizeOrType, word(cursor, 3));
    case BTF_KIND.PTR:
      return { kind: 'ptr', type: sizeOrType };
    case BTF_KIND.ARRAY:
      return { kind: 'array', element: word(cursor, 3), index: word(cursor, 4), length: word(cursor, 5) };
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION: {
      const members = decodeMembers(cursor);
      return { kind: cursor.kind === BTF_KIND.STRUCT ? 'struct' : 'union', name, size: sizeOrType, members };
    }
    case BTF_KIND.ENUM:
      return { kind: 'enum', name, size: sizeOrType, signed: cursor.kindFlag, values: decodeEnum(cursor) };
    case BTF_KIND.ENUM64:
      return {
        kind: 'enum64',
        name,
        size: sizeOrType,
        signed: cursor.kindFlag,
        values: decodeEnum64(cursor),
      };
    case BTF_KIND.FWD:
      return { kind: 'fwd', name, union: cursor.kindFlag };
    case BTF_KIND.TYPEDEF:
      return { kind: 'typedef', name, type: sizeOrType };
    case BTF_KIND.VOLATILE:
      return { kind: 'volatile', type: sizeOrType };
    case BTF_KIND.CONST:
      return { kind: 'const', type: sizeOrType };
    case BTF_KIND.RESTRICT:
      return { kind: 'restrict', type: sizeOrType };
    case BTF_KIND.FUNC:
      return { kind: 'func', name, type: sizeOrType, linkage: LINKAGES[cursor.vlen] ?? 'static' };
    case BTF_KIND.FUNC_PROTO:
      return decodeFuncProto(cursor, sizeOrType);
    case BTF_KIND.VAR:
      return { kind: 'var', name, type: sizeOrType, linkage: LINKAGES[word(cursor, 3)] ?? 'static' };
    case BTF_KIND.DATASEC:
      return { kind: 'datasec', name, size: sizeOrType, vars: decodeSecVars(cursor) };
    case BTF_KIND.FLOAT:
      return { kind: 'float', name, size: sizeOrType };
    case BTF_KIND.DECL_TAG: {
      const component = word(cursor, 3) | 0;
      return { kind: 'decl_tag', name, type: sizeOrType, component, attribute: cursor.kindFlag };
    }
    default:
      return { kind: 'type_tag', name, type: sizeOrType, attribute: cursor.kindFlag };
  }
}

function decodeInt(name: string, size: number, data: number): BtfInt {
  const encoding = data >>> 24;
  return {
    kind: 'int',
    name,
    size,
    bits: data & 0xff,
    bitOffset: (data >>> 16) & 0xff,
    signed: (encoding & BTF_INT_SIGNED) !== 0,
    char: (encoding & BTF_INT_CHAR) !== 0,
    bool: (encoding & BTF_INT_BOOL) !== 0,
  };
}

/** One member of a struct or union; undefined for other types and indexes. */
export function decodeMember(btf: TypeWords, id: BtfId, index: number): BtfMember | undefined {
  const cursor = cursorAt(btf, id);
  const isComposite = cursor.kind === BTF_KIND.STRUCT || cursor.kind === BTF_KIND.UNION;
  return isComposite && index >= 0 && index < cursor.vlen ? memberAt(cursor, index) : undefined;
}

function decodeMembers(cursor: Cursor): BtfMember[] {
  const members: BtfMember[] = [];
  for (let i = 0; i < cursor.vlen; i++) members.push(memberAt(cursor, i));
  return members;
}

function memberAt(cursor: Cursor, index: number): BtfMember {
  const at = COMMON_WORDS + index * MEMBER_WORDS;
  const offset = word(cursor, at + 2);
  return {
    name: text(cursor, at),
    type: word(cursor, at + 1),
    bitOffset: cursor.kindFlag ? offset & 0xffffff : offset,
    bitSize: cursor.kindFlag ? offset >>> 24 : 0,
  };
}

function decodeEnum(cursor: Cursor): BtfEnumerator[] {
  const values: BtfEnumerator[] = [];
  for (let i = 0, at = COMMON_WORDS; i < cursor.vlen; i++, at += 2) {
    const value = word(cursor, at + 1);
    values.push({ name: text(cursor, at), value: BigInt(cursor.kindFlag ? value | 0 : value) });
  }
  return values;
}

function decodeEnum64(cursor: Cursor): BtfEnumerator[] {
  const values: BtfEnumerator[] = [];
  for (let i = 0, at = COMMON_WORDS; i < cursor.vlen; i++, at += 3) {
    const value = (BigInt(word(cursor, at + 2)) << 32n) | BigInt(word(cursor, at + 1));
    values.push({ name: text(cursor, at), value: cursor.kindFlag ? BigInt.asIntN(64, value) : value });
  }
  return values;
}

function decodeFuncProto(cursor: Cursor, returns: BtfId): BtfFuncProto {
  const params: BtfParam[] = [];
  for (let i = 0, at = COMMON_WORDS; i < cursor.vlen; i++, at += 2) {
    params.push({ name: text(cursor, at), type: word(cursor, at + 1) });
  }
  return { kind: 'func_proto', returns, params };
}

function decodeSecVars(cursor: Cursor): BtfSecVar[] {
  const vars: BtfSecVar[] = [];
  for (let i = 0, at = COMMON_WORDS; i < cursor.vlen; i++, at += 3) {
    vars.push({ type: word(cursor, at), offset: word(cursor, at + 1), size: word(cursor, at + 2) });
  }
  return vars;
}
