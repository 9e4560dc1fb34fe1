/** Why a file header or the section header table is refused. */

import { viewOf } from '../bytes/index.ts';
import type { RootletError } from '../diag/index.ts';
import { Elf64Shdr, MAX_SECTIONS } from './constants.ts';
import { ELF_FAULT } from './faults.ts';
import { identify } from './identify.ts';
import type { Explanations, Refused } from './refused.ts';

const CUT = 'the file is truncated; rebuild it or copy it again';

export const HEADER_EXPLANATIONS: Explanations = {
  [ELF_FAULT.notBpf]: notBpf,
  [ELF_FAULT.version]: refused =>
    refused.error('elf-version', null, `ELF version ${refused.a >>> 0} instead of 1`),
  [ELF_FAULT.headerSize]: refused =>
    refused.error('elf-header-size', null, `ELF header of ${refused.a} bytes instead of 64`),
  [ELF_FAULT.noTable]: refused =>
    refused.error('elf-no-sections', null, 'has no section header table', {
      hint: 'it was stripped; rebuild it',
    }),
  [ELF_FAULT.tableEntrySize]: refused =>
    refused.error('elf-section-entry-size', null, `section headers of ${refused.a} bytes instead of 64`),
  [ELF_FAULT.tableOutside]: refused => {
    const message = `section header table at ${refused.header.e_shoff} is outside the file of ${refused.size} bytes`;
    return refused.error('elf-truncated', null, message, { hint: CUT });
  },
  [ELF_FAULT.tablePlace]: refused =>
    refused.error(
      'elf-section-table',
      null,
      `section header table at ${refused.header.e_shoff} is misplaced`,
    ),
  [ELF_FAULT.nullSection]: refused =>
    refused.error('elf-null-section', null, 'section header 0 is not the null section', {
      offset: Number(refused.header.e_shoff),
    }),
  [ELF_FAULT.noSections]: refused => refused.error('elf-no-sections', null, 'has no sections'),
  [ELF_FAULT.sectionsOutside]: refused => {
    const message = `${countOf(refused)} section headers at ${refused.header.e_shoff} do not fit in the file of ${refused.size} bytes`;
    return refused.error('elf-truncated', null, message, { hint: CUT });
  },
  [ELF_FAULT.tooManySections]: refused =>
    refused.error('elf-too-many-sections', null, `has ${refused.a} sections, more than ${MAX_SECTIONS}`),
};

/** What a file is instead; `identify` is the one that knows. */
function notBpf(refused: Refused): RootletError {
  const { kind, description, hint } = identify(refused.bytes);
  const code = kind.startsWith('elf') ? 'elf-not-bpf' : 'elf-not-elf';
  return refused.error(code, null, `is ${description}, not a BPF object`, { hint });
}

/** Number of sections, which the first header has if it does not fit into the file header. */
function countOf(refused: Refused): number {
  const { e_shnum, e_shoff } = refused.header;
  if (e_shnum !== 0) return e_shnum;
  return Number(Elf64Shdr.decode(viewOf(refused.bytes), Number(e_shoff), refused.order).sh_size);
}
