/** What the reader of ELF files takes for a section without meaning to linking and loading, as its kernel decides. */

import * as names from '../../src/elf/kernels/names.kernel.ts';
import type { ElfSection } from '../../src/elf/model.ts';
import { Image } from '../../src/image/image.ts';

const image = new Image();

export function isIgnoredSection({
  name,
  type,
  flags,
}: Pick<ElfSection, 'name' | 'type' | 'flags'>): boolean {
  return image.run(names).isIgnored(image.intern(name), type, flags, 0) === 1;
}
