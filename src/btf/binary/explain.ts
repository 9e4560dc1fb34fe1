/** What is wrong with `.BTF` or `.BTF.ext`, as an error: from the refusal of a kernel. */

import { given } from '../../bytes/index.ts';
import {
  type CodeOf,
  describeLimit,
  inputError,
  limitOf,
  quote,
  type RootletError,
  raiseHint,
} from '../../diag/index.ts';
import { type Image, UNIT } from '../../image/index.ts';
import { btfOf, kindOfInfo, type Refusal, TYPE_FAULT, typeRuleError, vlenOfInfo } from '../model/index.ts';

const SWAPPED_MAGIC = 0x9feb;

/** The error that a refusal stands for. Its place begins inside the section, or the block of the section. */
export function sectionError(image: Image, unit: number, refusal: Refusal): RootletError {
  if (refusal.code < TYPE_FAULT.typeRange) return headerError(image, unit, refusal);
  if (refusal.code < TYPE_FAULT.firstString) return rangeError(refusal);
  if (refusal.code < TYPE_FAULT.elements) return typesError(image, unit, refusal);
  if (refusal.code < TYPE_FAULT.blockRange) return typeRuleError(image, btfOf(image, unit), refusal);
  if (refusal.code < TYPE_FAULT.recordString) return blockError(refusal);
  return recordError(image, unit, refusal);
}

function placedError(code: CodeOf<'input'>, message: string, offset: number): RootletError {
  return inputError(code, [], message, { offset });
}

function headerError(image: Image, unit: number, { code, a, b }: Refusal): RootletError {
  switch (code) {
    case TYPE_FAULT.sectionTooLarge:
      return tooLarge(limitOf(image.limits, 'btf'), a);
    case TYPE_FAULT.headerCut:
      return placedError('btf-header', `${a} bytes are too few for a header`, 0);
    case TYPE_FAULT.magic:
      return magicError(a, image.get(UNIT.order, unit));
    case TYPE_FAULT.version:
      return placedError('btf-version', `version ${a} is not known`, 0);
    case TYPE_FAULT.flags:
      return placedError('btf-flags', `flags 0x${a.toString(16)} are not known`, 0);
    case TYPE_FAULT.headerLength:
      return placedError('btf-header', `header length ${a} is not possible in ${b} bytes`, 0);
    case TYPE_FAULT.headerMultiple:
      return placedError('btf-header', `header length ${a} is not a multiple of 4`, 4);
    default: // TYPE_FAULT.unknownField
      return placedError('btf-header', `header of ${b} bytes has an unknown field at ${a}`, 0);
  }
}

function tooLarge(limit: number, size: number): RootletError {
  const message = `${size} bytes are more than the limit of ${describeLimit('btf', limit)}`;
  return inputError('btf-too-large', [], message, {
    offset: 0,
    ...given({ hint: raiseHint('btf', limit, size) }),
  });
}

/** `order`: 0 for a little-endian unit. */
function magicError(magic: number, order: number): RootletError {
  const message = `magic number is 0x${magic.toString(16)} instead of 0xeb9f`;
  if (magic !== SWAPPED_MAGIC) return placedError('btf-magic', message, 0);
  const hint = `the types are ${order === 0 ? 'big' : 'little'}-endian`;
  return inputError('btf-magic', [], message, { offset: 0, hint });
}

function rangeError({ code, a, b, c }: Refusal): RootletError {
  if (code === TYPE_FAULT.overlap)
    return placedError('btf-header', 'type section and string section overlap', 0);
  if (code === TYPE_FAULT.typeMultiple) {
    return placedError('btf-header', `type section (${b} bytes at ${a}) is not a multiple of 4 bytes`, 0);
  }
  // TYPE_FAULT.layoutRange is left
  const what = code === TYPE_FAULT.typeRange ? 'type' : code === TYPE_FAULT.stringRange ? 'string' : 'layout';
  const message = `${what} section (${b} bytes at ${a}) does not fit in the ${c} bytes after the header`;
  return placedError('btf-header', message, 0);
}

/** Strings that do not begin or end, and types that do not fit in the section. */
function typesError(image: Image, unit: number, { code, a, b, c }: Refusal): RootletError {
  if (code === TYPE_FAULT.firstString) {
    return placedError('btf-strings', 'string section does not start with the empty string', a);
  }
  if (code === TYPE_FAULT.lastString)
    return placedError('btf-strings', 'last string has no terminating NUL', a);
  const [where, extras] = [[`type ${a}`], { offset: c + 4 * b }];
  if (code === TYPE_FAULT.typeCut) {
    return inputError('btf-truncated', where, 'type section ends inside the type', extras);
  }
  const info = image.words[image.get(UNIT.words, unit) + b + 1] ?? 0;
  if (code === TYPE_FAULT.kindUnknown) {
    return inputError('btf-kind', where, `kind ${kindOfInfo(info)} is not known`, extras);
  }
  // TYPE_FAULT.elementsCut is left
  const message = `${vlenOfInfo(info)} elements do not fit in the type section`;
  return inputError('btf-truncated', where, message, extras);
}

function blockError({ code, a, b, c, d }: Refusal): RootletError {
  switch (code) {
    case TYPE_FAULT.blockRange:
      return placedError('bytes-truncated', `block (${b} bytes) does not fit in ${d} bytes`, c + a);
    case TYPE_FAULT.recordSizeCut:
      return placedError('btf-ext-truncated', 'block ends inside its record size', a);
    case TYPE_FAULT.recordSize:
      return placedError('btf-ext-record-size', `record size ${b} is not a multiple of 4 from ${c} on`, a);
    case TYPE_FAULT.runCut:
      return placedError('btf-ext-truncated', 'block ends inside a section header', a);
    default: {
      // TYPE_FAULT.recordsCut
      const message = `${b} records of ${c} bytes do not fit in the ${d} bytes that are left`;
      return placedError('btf-ext-truncated', message, a);
    }
  }
}

function recordError(image: Image, unit: number, { code, a, b, c }: Refusal): RootletError {
  switch (code) {
    case TYPE_FAULT.recordString: {
      const size = image.get(UNIT.stringSize, unit);
      return placedError('btf-string-offset', `string at ${b} is outside the ${size} bytes of strings`, a);
    }
    case TYPE_FAULT.instructionOffset: {
      const message = `${b} in section ${quote(image.nameText(c))} is not the offset of an instruction`;
      return placedError('btf-ext-insn-offset', message, a);
    }
    case TYPE_FAULT.functionType:
      return placedError('btf-ext-func-type', `type ${b} is not a function`, a);
    case TYPE_FAULT.recordType: {
      const message = `refers to type ${b}; ids run from 1 to ${image.get(UNIT.typeCount, unit)}`;
      return placedError('btf-type-id', message, a);
    }
    case TYPE_FAULT.coreType: {
      const message = `CO-RE relocation of ${btfOf(image, unit).type(b).kind} ${b}, which is a declaration, not a type`;
      return placedError('btf-core-type', message, a);
    }
    case TYPE_FAULT.coreKind:
      return placedError('btf-core-kind', `CO-RE relocation kind ${b} is not known`, a);
    default: {
      // TYPE_FAULT.coreAccess
      const access = quote(btfOf(image, unit).string(b));
      return placedError('btf-core-access', `access ${access} is not 1 to 64 numbers with colons between`, a);
    }
  }
}
