/** Why relocations or groups are refused. */

import { quote, type RootletError } from '../diag/index.ts';
import { SECTION } from '../image/index.ts';
import { SHF_EXECINSTR } from './constants.ts';
import { sectionError } from './explain-sections.ts';
import { ELF_FAULT } from './faults.ts';
import { REL } from './fields.ts';
import * as relocations from './kernels/relocations.kernel.ts';
import type { Explanations, Refused } from './refused.ts';

export const RELOCATION_EXPLANATIONS: Explanations = {
  [ELF_FAULT.relocationSymbols]: relocationSymbols,
  [ELF_FAULT.relocationTarget]: refused =>
    sectionError(refused, 'elf-section-info', `relocates section ${targetOf(refused)}, which does not exist`),
  [ELF_FAULT.relocationName]: refused => {
    const target = targetOf(refused);
    const named = quote(`.rel${refused.sectionName(target)}`);
    const message = `relocates ${refused.sectionPlace(target)}, whose relocations are named ${named}`;
    return sectionError(refused, 'elf-section-info', message);
  },
  [ELF_FAULT.relocationContents]: refused => {
    const message = `relocates ${refused.sectionPlace(targetOf(refused))}, which has no contents`;
    return sectionError(refused, 'elf-section-info', message);
  },
  [ELF_FAULT.relocationGnu]: relocationGnu,
  [ELF_FAULT.relocationType]: refused =>
    recordError(refused, 'elf-relocation-type', `has unknown type ${typeOf(refused)}`),
  [ELF_FAULT.relocationOffset]: relocationOffset,
  [ELF_FAULT.relocationPlace]: refused => {
    const message = `changes byte ${changedOf(refused)}, which is not the start of an instruction`;
    return recordError(refused, 'elf-relocation-offset', message);
  },
  [ELF_FAULT.relocationSymbol]: refused => {
    const message = `refers to symbol ${field(refused, REL.symbol)} of ${refused.symbolCount}`;
    return recordError(refused, 'elf-relocation-symbol', message);
  },
  [ELF_FAULT.relocationTwice]: refused =>
    sectionError(refused, 'elf-relocation-duplicate', `changes offset ${changedOf(refused)} twice`),
  [ELF_FAULT.groupSize]: refused => {
    const size = refused.section(SECTION.size, refused.a);
    return groupError(refused, `has ${size} bytes, not a flag and section indexes`);
  },
  [ELF_FAULT.groupSignature]: refused =>
    groupError(refused, `has symbol ${targetOf(refused)} as its signature, which does not exist`),
  [ELF_FAULT.groupName]: refused =>
    groupError(refused, `has symbol ${targetOf(refused)} as its signature, which has no name`),
  [ELF_FAULT.groupMember]: refused =>
    groupError(refused, `contains section ${refused.b >>> 0}, which does not exist`),
  [ELF_FAULT.groupTaken]: refused =>
    groupError(refused, `contains section ${refused.b}, which is in a group already`),
};

type RecordCode = Parameters<Refused['error']>[0];

/** sh_info: the section that relocations change, the symbol of a group. */
function targetOf(refused: Refused): number {
  return refused.section(SECTION.info, refused.a);
}

/** An error about one relocation. */
function recordError(refused: Refused, code: RecordCode, message: string, hint?: string): RootletError {
  const place = `${refused.sectionPlace(refused.a)}: relocation ${refused.b}`;
  const offset = refused.section(SECTION.offset, refused.a) + refused.b * REL.bytes;
  return refused.error(code, place, message, { offset, hint });
}

function groupError(refused: Refused, message: string): RootletError {
  return sectionError(refused, 'elf-group', message);
}

/** A word of the record. */
function field(refused: Refused, word: number): number {
  return refused.tableWord(refused.a, refused.b * REL.words + word);
}

function typeOf(refused: Refused): number {
  return field(refused, REL.type);
}

/** r_offset of the record. */
function changedOf(refused: Refused): number {
  return refused.tableNumber(refused.a, refused.b * REL.words + REL.offset);
}

function relocationSymbols(refused: Refused): RootletError {
  const link = refused.section(SECTION.link, refused.a);
  const named = refused.isSection(link) ? quote(refused.sectionName(link)) : 'which does not exist';
  const message = `takes its symbols from section ${link} (${named}) instead of the symbol table`;
  return sectionError(refused, 'elf-section-link', message);
}

function relocationGnu(refused: Refused): RootletError {
  const isIgnored = refused.section(SECTION.ignored, refused.a) === 1;
  const type = isIgnored ? refused.ignoredType(refused.a) : typeOf(refused);
  const message = `has type ${type} of binutils 2.40, whose addends count the symbol's value twice`;
  const hint = 'assemble with a newer GNU assembler or compile with clang';
  return recordError(refused, 'elf-relocation-gnu', message, hint);
}

function relocationOffset(refused: Refused): RootletError {
  const target = targetOf(refused);
  const isCode = (refused.section(SECTION.flags, target) & SHF_EXECINSTR) !== 0;
  const width = refused.image.run(relocations).relocationWidth(typeOf(refused), isCode ? 1 : 0);
  const limit = refused.section(SECTION.size, target);
  const message = `changes ${width} bytes at ${changedOf(refused)}, beyond the ${limit} bytes of its section`;
  return recordError(refused, 'elf-relocation-offset', message);
}
