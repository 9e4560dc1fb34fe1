/** Faults of ELF files as problems: the texts of everything that the kernels refuse. */

import { bugError, type RootletError } from '../diag/index.ts';
import type { Image } from '../image/index.ts';
import { HEADER_EXPLANATIONS } from './explain-header.ts';
import { RELOCATION_EXPLANATIONS } from './explain-relocations.ts';
import { SECTION_EXPLANATIONS } from './explain-sections.ts';
import { SYMBOL_EXPLANATIONS } from './explain-symbols.ts';
import { Refused } from './refused.ts';

const EXPLANATIONS = {
  ...HEADER_EXPLANATIONS,
  ...SECTION_EXPLANATIONS,
  ...SYMBOL_EXPLANATIONS,
  ...RELOCATION_EXPLANATIONS,
};

/** The problem of a row of FAULT, of a file of that name. */
export function explainElf(image: Image, name: string, row: number): RootletError {
  const refused = new Refused(image, name, row);
  const explain = EXPLANATIONS[refused.code];
  return explain === undefined ? bugError([name], `fault ${refused.code} has no text`) : explain(refused);
}
