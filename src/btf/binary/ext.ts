/**
 * `.BTF.ext` as data: what the compiler knows about instructions. Function types, source lines and CO-RE
 * relocations, each with the byte offset of an instruction in a named section.
 *
 * Compatibility: records may be longer than known (newer compilers) and the header shorter (before CO-RE).
 * CO-RE access paths are checked strictly: some kernels trust them.
 */

import type { BtfId } from '../model/index.ts';
import type { LineRecords, PackedLines } from './lines.ts';

/** The function that starts at `byteOffset` of the section. */
export interface FuncInfo {
  readonly section: string;
  readonly byteOffset: number;
  /** FUNC type. */
  readonly type: BtfId;
}

/** Lines of a section, or of a part of it. */
export interface SectionLines {
  readonly section: string;
  /** Where the instruction with index 0 is in the section. */
  readonly byteOffset: number;
  readonly lines: LineRecords;
}

export interface CoreRelo {
  readonly section: string;
  readonly byteOffset: number;
  readonly type: BtfId;
  /** Indexes from `type` inwards, such as `0:1:2`. */
  readonly access: string;
  /** enum bpf_core_relo_kind, 0 to 12. */
  readonly kind: number;
}

/** All records; functions and relocations in file order. */
export interface BtfExt {
  readonly funcs: readonly FuncInfo[];
  readonly lines: readonly SectionLines[];
  readonly core: readonly CoreRelo[];
}

/** Records as they were read: one list of lines for each section. */
export interface ParsedExt extends BtfExt {
  readonly lines: readonly (SectionLines & { readonly lines: PackedLines })[];
}
