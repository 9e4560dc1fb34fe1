/**
 * What is wrong with a type, as an error: from the refusal of a kernel and the types.
 *
 * Nothing here decides whether types are valid (`check.kernel.ts` and the kernels beside it do).
 */

import { elementAt } from '../../bytes/index.ts';
import { type CodeOf, quote, type RootletError } from '../../diag/index.ts';
import type { Image } from '../../image/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { Refusal } from './columns.ts';
import { describeType, typeError } from './describe.ts';
import { TYPE_FAULT } from './faults.ts';
import { pointerSize } from './pointer-size.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';
import { COMMON_WORDS, kindOfInfo } from './words.ts';

/** Code and message of a refusal whose operand `a` is the id of the type. */
interface Explanation {
  readonly code: CodeOf<'input'>;
  readonly message: string;
}

/** The error that a refusal of `checkTypes` stands for. `image`: where the refusal is. */
export function typeRuleError(image: Image, btf: RawBtf, refusal: Refusal): RootletError {
  const { code, message } = explain(image, btf, refusal);
  return typeError(btf, refusal.a, code, message);
}

function explain(image: Image, btf: RawBtf, { code, a: id, b, c }: Refusal): Explanation {
  switch (code) {
    case TYPE_FAULT.kindUnknown:
      return { code: 'btf-kind', message: `kind ${kindOfInfo(btf.info(id))} is not known` };
    case TYPE_FAULT.elements:
      return { code: 'btf-vlen', message: `has ${b} elements; its kind has none` };
    case TYPE_FAULT.kindFlag:
      return { code: 'btf-kind-flag', message: 'has the kind flag, which is not valid for its kind' };
    case TYPE_FAULT.noName:
      return { code: 'btf-name', message: 'has no name' };
    case TYPE_FAULT.needlessName:
      return { code: 'btf-name', message: 'has a name, but its kind has none' };
    case TYPE_FAULT.typeId:
      return { code: 'btf-type-id', message: `refers to type ${b}, but there are only ${btf.count}` };
    case TYPE_FAULT.referenceKind:
      return { code: 'btf-reference-kind', message: `cannot refer to ${describeType(btf, b)}` };
    case TYPE_FAULT.nameOffset: {
      const message = `name at ${b} is outside the ${btf.strings.length} bytes of strings`;
      return { code: 'btf-string-offset', message };
    }
    case TYPE_FAULT.nameEncoding:
      return { code: 'btf-name-encoding', message: `name at ${b} is not UTF-8` };
    case TYPE_FAULT.cycle:
      return { code: 'btf-cycle', message: `contains itself: ${pathText(image, btf, b, c)}` };
    case TYPE_FAULT.pointerCycle: {
      const message = 'is a pointer that leads to itself without a struct or function between';
      return { code: 'btf-cycle', message };
    }
    case TYPE_FAULT.memberType:
    case TYPE_FAULT.memberOffset:
    case TYPE_FAULT.bitField:
      return explainMember(btf, id, elementAt(btf.start, id) + COMMON_WORDS + 3 * b, code);
    default:
      return explainKind(btf, { code, a: id, b, c, d: 0 });
  }
}

/** Rules that only some kinds have. */
function explainKind(btf: RawBtf, { code, a: id, b, c }: Refusal): Explanation {
  switch (code) {
    case TYPE_FAULT.size:
      return { code: 'btf-size', message: `size ${b} is not possible` };
    case TYPE_FAULT.intTooWide:
      return { code: 'btf-int-bits', message: `${b} bits are more than 128` };
    case TYPE_FAULT.intFit:
      return { code: 'btf-int-bits', message: `${b} bits do not fit in ${c} bytes` };
    case TYPE_FAULT.intEncoding:
      return { code: 'btf-int-encoding', message: `encoding 0x${b.toString(16)} is not known` };
    case TYPE_FAULT.linkage:
      return { code: 'btf-linkage', message: `linkage ${b} is not known` };
    case TYPE_FAULT.tagComponent:
      return { code: 'btf-tag-component', message: `${describeType(btf, b)} has no component ${c | 0}` };
    case TYPE_FAULT.arrayElement:
      return { code: 'btf-array-element', message: `${describeType(btf, b)} has no size` };
    case TYPE_FAULT.arrayIndex: {
      const message = `index type is ${describeType(btf, b)} instead of an integer`;
      return { code: 'btf-array-index', message };
    }
    case TYPE_FAULT.placeSize:
      return { code: 'btf-array-size', message: `${sizeOf(btf, b)} bytes are more than 4 GiB` };
    default:
      return { code: 'btf-kind', message: `type ${id} breaks the rule ${code}` };
  }
}

/** The types on a path, which is `count` words at a word index of the image. */
function pathText(image: Image, btf: RawBtf, at: number, count: number): string {
  const names = Array.from(image.words.subarray(at, at + count), id => describeType(btf, id));
  const shown = names.length > 6 ? [...names.slice(0, 3), '…', ...names.slice(-2)] : names;
  return shown.join(' → ');
}

/** `member`: first word of the member. */
function explainMember(btf: RawBtf, id: BtfId, member: number, rule: number): Explanation {
  const { words } = btf;
  const type = elementAt(words, member + 1);
  const place = elementAt(words, member + 2);
  const frame = `member ${quote(btf.string(elementAt(words, member)))}`;
  if (rule === TYPE_FAULT.memberType) {
    return { code: 'btf-member-type', message: `${frame}: ${describeType(btf, type)} has no size` };
  }
  if (rule === TYPE_FAULT.bitField) {
    const target = describeType(btf, valueTypes(btf, type).at(-1) ?? type);
    return {
      code: 'btf-bit-field',
      message: `${frame}: ${target} cannot be a bit field of ${place >>> 24} bits`,
    };
  }
  const offset = btf.kindFlagOf(id) ? place & 0xffffff : place;
  const bits = elementAt(words, elementAt(btf.start, id) + 2) * 8;
  const message = `${frame}: at bit ${offset} it does not end within the ${bits} bits`;
  return { code: 'btf-member-offset', message };
}

/** The type, and what it is behind each of its typedefs and modifiers. They are known to end. */
function valueTypes(btf: RawBtf, id: BtfId): BtfId[] {
  const types = [id];
  for (let current = id; isModifier(btf.kindOf(current)); types.push(current)) {
    current = elementAt(btf.words, elementAt(btf.start, current) + 2);
  }
  return types;
}

function isModifier(kind: number): boolean {
  return (
    kind === BTF_KIND.TYPEDEF ||
    kind === BTF_KIND.VOLATILE ||
    kind === BTF_KIND.CONST ||
    kind === BTF_KIND.RESTRICT ||
    kind === BTF_KIND.TYPE_TAG
  );
}

/** Bytes of an array of arrays, exactly as far as numbers are. Its types have been checked. */
function sizeOf(btf: RawBtf, id: BtfId): number {
  const lengths: number[] = [];
  let value = valueTypes(btf, id).at(-1) ?? id;
  while (btf.kindOf(value) === BTF_KIND.ARRAY) {
    const at = elementAt(btf.start, value);
    lengths.push(elementAt(btf.words, at + 5));
    value = valueTypes(btf, elementAt(btf.words, at + 3)).at(-1) ?? value;
  }
  const first =
    btf.kindOf(value) === BTF_KIND.PTR
      ? pointerSize(btf)
      : elementAt(btf.words, elementAt(btf.start, value) + 2);
  return lengths.reduceRight((size, length) => size * length, first);
}
