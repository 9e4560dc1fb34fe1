/**
 * The rules that types must keep, checked once when they come from outside.
 *
 * Compatibility: what the kernel takes (`btf_check_all_metas` and `btf_resolve`) is accepted, except for types
 * that contain themselves through pointers alone. What it refuses is refused here if it has no meaning. The
 * rest is accepted, because compilers of other languages write it and a link keeps it: what the loader does
 * with it is the table of `src/load/mend/repairs.ts`. Linkage `extern`, functions in `.ksyms` and DATASEC
 * offsets and sizes are the linker's business: libbpf rewrites them before the kernel sees them.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { isFaithfulText } from '../../bytes/index.ts';
import type { RootletError } from '../../diag/index.ts';
import { BTF_KIND, byBtfKind } from '../../uapi/index.ts';
import { LINKAGES } from './decode.ts';
import { describeType, typeError } from './describe.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';
import { requireFiniteTypes } from './validate-values.ts';
import {
  elementWords,
  firstElementName,
  firstReference,
  kindFlagOfInfo,
  kindOfInfo,
  referenceCount,
  referenceStride,
  vlenOfInfo,
} from './words.ts';

const NAME_MUST = 1;
const NAME_MAY = 2;
const NAME_MUST_NOT = 0;

/** Valid values of the common words of one kind. */
interface Rule {
  readonly name: number;
  readonly vlen: boolean;
  readonly kindFlag: boolean;
}

function rule(name: number, vlen = false, kindFlag = false): Rule {
  return { name, vlen, kindFlag };
}

const RULES = byBtfKind<Rule>({
  [BTF_KIND.INT]: rule(NAME_MAY),
  [BTF_KIND.PTR]: rule(NAME_MUST_NOT),
  [BTF_KIND.ARRAY]: rule(NAME_MUST_NOT),
  [BTF_KIND.STRUCT]: rule(NAME_MAY, true, true),
  [BTF_KIND.UNION]: rule(NAME_MAY, true, true),
  [BTF_KIND.ENUM]: rule(NAME_MAY, true, true),
  [BTF_KIND.FWD]: rule(NAME_MUST, false, true),
  [BTF_KIND.TYPEDEF]: rule(NAME_MUST),
  [BTF_KIND.VOLATILE]: rule(NAME_MUST_NOT),
  [BTF_KIND.CONST]: rule(NAME_MUST_NOT),
  [BTF_KIND.RESTRICT]: rule(NAME_MUST_NOT),
  [BTF_KIND.FUNC]: rule(NAME_MAY, true),
  [BTF_KIND.FUNC_PROTO]: rule(NAME_MUST_NOT, true),
  [BTF_KIND.VAR]: rule(NAME_MUST),
  [BTF_KIND.DATASEC]: rule(NAME_MUST, true),
  [BTF_KIND.FLOAT]: rule(NAME_MAY),
  [BTF_KIND.DECL_TAG]: rule(NAME_MUST, false, true),
  [BTF_KIND.TYPE_TAG]: rule(NAME_MUST, false, true),
  [BTF_KIND.ENUM64]: rule(NAME_MAY, true, true),
});

const RULE_BY_KIND: readonly (Rule | undefined)[] = Array.from(
  { length: Math.max(...RULES.keys()) + 1 },
  (_, kind) => RULES.get(kind),
);

/** Checks all rules. Throws for the type with the lowest id that breaks one; types in cycles come last. */
export function validateTypes(btf: RawBtf): void {
  validateFrom(btf, 1);
  requireFiniteTypes(btf);
}

/** Checks the types from `first` on alone. They must not be part of others: data sections are not. */
export function validateFrom(btf: RawBtf, first: BtfId): void {
  const ascii = isAscii(btf.strings);
  for (let id = first; id <= btf.count; id++) {
    checkCommon(btf, id);
    checkReferences(btf, id);
    checkNames(btf, id, ascii);
    checkKind(btf, id);
  }
}

function isAscii(strings: Uint8Array): boolean {
  for (let i = 0; i < strings.length; i++) if ((strings[i] ?? 0) >= 0x80) return false;
  return true;
}

function checkCommon(btf: RawBtf, id: BtfId): void {
  const info = btf.info(id);
  const rules = RULE_BY_KIND[kindOfInfo(info)];
  if (rules === undefined) throw typeError(btf, id, 'btf-kind', `kind ${kindOfInfo(info)} is not known`);
  if (!rules.vlen && vlenOfInfo(info) !== 0) {
    throw typeError(btf, id, 'btf-vlen', `has ${vlenOfInfo(info)} elements; its kind has none`);
  }
  if (!rules.kindFlag && kindFlagOfInfo(info)) {
    throw typeError(btf, id, 'btf-kind-flag', 'has the kind flag, which is not valid for its kind');
  }
  const name = btf.words[btf.start[id] ?? 0] ?? 0;
  if (rules.name === NAME_MAY) return;
  const empty = name === 0 || btf.strings[name] === 0;
  if (rules.name === NAME_MUST && empty) throw typeError(btf, id, 'btf-name', 'has no name');
  if (rules.name === NAME_MUST_NOT && !empty)
    throw typeError(btf, id, 'btf-name', 'has a name, but its kind has none');
}

function checkNames(btf: RawBtf, id: BtfId, ascii: boolean): void {
  const at = btf.start[id] ?? 0;
  checkName(btf, id, btf.words[at] ?? 0, ascii);
  const info = btf.info(id);
  const first = firstElementName(kindOfInfo(info));
  if (first === 0) return;
  const stride = elementWords(kindOfInfo(info));
  let name = at + first;
  for (let left = vlenOfInfo(info); left > 0; left--, name += stride) {
    checkName(btf, id, btf.words[name] ?? 0, ascii);
  }
}

function checkName(btf: RawBtf, id: BtfId, offset: number, ascii: boolean): void {
  if (offset >= btf.strings.length) {
    const size = btf.strings.length;
    throw typeError(
      btf,
      id,
      'btf-string-offset',
      `name at ${offset} is outside the ${size} bytes of strings`,
    );
  }
  if (ascii) return;
  const end = btf.strings.indexOf(0, offset);
  if (isFaithfulText(btf.strings.subarray(offset, end))) return;
  throw typeError(btf, id, 'btf-name-encoding', `name at ${offset} is not UTF-8`);
}

// --- references ---------------------------------------------------------------------------------------------------

/** Kinds that only declare something; no other type may be made of them. */
function isDeclaration(kind: number): boolean {
  switch (kind) {
    case BTF_KIND.FUNC:
    case BTF_KIND.VAR:
    case BTF_KIND.DATASEC:
    case BTF_KIND.DECL_TAG:
      return true;
    default:
      return false;
  }
}

function checkReferences(btf: RawBtf, id: BtfId): void {
  const info = btf.info(id);
  const kind = kindOfInfo(info);
  const { words, start, count } = btf;
  const stride = referenceStride(kind);
  const declares = isDeclaration(kind) && kind !== BTF_KIND.VAR;
  let at = (start[id] ?? 0) + firstReference(kind);
  for (let left = referenceCount(kind, vlenOfInfo(info)); left > 0; left--, at += stride) {
    const target = words[at] ?? 0;
    if (target > count) {
      throw typeError(btf, id, 'btf-type-id', `refers to type ${target}, but there are only ${count}`);
    }
    if (declares || !isDeclaration(btf.kindOf(target))) continue;
    if (!(mayBeOfFunction(kind) && btf.kindOf(target) === BTF_KIND.FUNC)) throw kindError(btf, id, target);
  }
}

/** The kernel takes a function for its prototype there. */
function mayBeOfFunction(kind: number): boolean {
  switch (kind) {
    case BTF_KIND.PTR:
    case BTF_KIND.TYPEDEF:
    case BTF_KIND.VOLATILE:
    case BTF_KIND.CONST:
    case BTF_KIND.RESTRICT:
    case BTF_KIND.TYPE_TAG:
      return true;
    default:
      return false;
  }
}

function kindError(btf: RawBtf, id: BtfId, target: BtfId): RootletError {
  return typeError(btf, id, 'btf-reference-kind', `cannot refer to ${describeType(btf, target)}`);
}

// --- kinds --------------------------------------------------------------------------------------------------------

function checkKind(btf: RawBtf, id: BtfId): void {
  const at = btf.start[id] ?? 0;
  const word = btf.words[at + 2] ?? 0;
  switch (btf.kindOf(id)) {
    case BTF_KIND.INT:
      checkInt(btf, id, word, btf.words[at + 3] ?? 0);
      break;
    case BTF_KIND.FLOAT:
      if (word === 2 || word === 4 || word === 8 || word === 12 || word === 16) return;
      throw sizeError(btf, id, word);
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
      checkEnum(btf, id, word);
      break;
    case BTF_KIND.FUNC:
      if (btf.kindOf(word) !== BTF_KIND.FUNC_PROTO) throw kindError(btf, id, word);
      checkLinkage(btf, id, btf.vlenOf(id));
      break;
    case BTF_KIND.VAR:
      checkLinkage(btf, id, btf.words[at + 3] ?? 0);
      break;
    case BTF_KIND.DATASEC:
      checkDataSec(btf, id);
      break;
    case BTF_KIND.DECL_TAG:
      checkDeclTag(btf, id, word, (btf.words[at + 3] ?? 0) | 0);
      break;
    default:
      break;
  }
}

function sizeError(btf: RawBtf, id: BtfId, size: number): RootletError {
  return typeError(btf, id, 'btf-size', `size ${size} is not possible`);
}

/** Largest integer: `__int128`. */
const MAX_INT_BITS = 128;

/** Any size, as the kernel: compilers write 3 for `_BitInt(24)`. */
function checkInt(btf: RawBtf, id: BtfId, size: number, data: number): void {
  const bits = (data & 0xff) + ((data >>> 16) & 0xff);
  if (bits > MAX_INT_BITS)
    throw typeError(btf, id, 'btf-int-bits', `${bits} bits are more than ${MAX_INT_BITS}`);
  if (bits > size * 8) throw typeError(btf, id, 'btf-int-bits', `${bits} bits do not fit in ${size} bytes`);
  if ((data & 0xf800ff00) !== 0) {
    throw typeError(btf, id, 'btf-int-encoding', `encoding 0x${data.toString(16)} is not known`);
  }
}

function checkEnum(btf: RawBtf, id: BtfId, size: number): void {
  if (size === 1 || size === 2 || size === 4 || size === 8) return;
  // An enum that is only declared has no size with some compilers.
  if (size !== 0 || btf.vlenOf(id) !== 0) throw sizeError(btf, id, size);
}

function checkLinkage(btf: RawBtf, id: BtfId, linkage: number): void {
  if (linkage >= LINKAGES.length) throw typeError(btf, id, 'btf-linkage', `linkage ${linkage} is not known`);
}

function checkDataSec(btf: RawBtf, id: BtfId): void {
  const vlen = btf.vlenOf(id);
  const first = (btf.start[id] ?? 0) + 3;
  for (let i = 0; i < vlen; i++) {
    const target = btf.words[first + 3 * i] ?? 0;
    const kind = btf.kindOf(target);
    if (kind === BTF_KIND.VAR) continue;
    if (kind === BTF_KIND.FUNC && btf.nameOf(id) === '.ksyms') continue;
    throw kindError(btf, id, target);
  }
}

function checkDeclTag(btf: RawBtf, id: BtfId, target: BtfId, component: number): void {
  if (component < -1 || component >= componentCount(btf, id, target)) {
    throw typeError(
      btf,
      id,
      'btf-tag-component',
      `${describeType(btf, target)} has no component ${component}`,
    );
  }
}

/** How many members or parameters can be tagged. */
function componentCount(btf: RawBtf, id: BtfId, target: BtfId): number {
  switch (btf.kindOf(target)) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return btf.vlenOf(target);
    case BTF_KIND.FUNC:
      return functionParameters(btf, target);
    case BTF_KIND.TYPEDEF:
    case BTF_KIND.VAR:
      return 0;
    default:
      throw kindError(btf, id, target);
  }
}

/** The prototype may come later and not be checked yet. */
function functionParameters(btf: RawBtf, func: BtfId): number {
  const proto = btf.words[(btf.start[func] ?? 0) + 2] ?? 0;
  if (proto > btf.count || btf.kindOf(proto) !== BTF_KIND.FUNC_PROTO) return 0;
  return btf.vlenOf(proto);
}
