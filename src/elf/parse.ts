/**
 * Untrusted bytes to `ElfFile`.
 *
 * Reading and checking is `scanElf`, in an image of its own; its columns become objects when they are asked for.
 * Accepts what clang 14 to 22, GCC, bpftool (whose symbol tables are unsorted with sh_info 0), llvm-strip and
 * this project write.
 */

import { type InputFile, requireFile } from '../bytes/index.ts';
import type { Limits } from '../diag/index.ts';
import { Image } from '../image/index.ts';
import { elfFileOf } from './file.ts';
import type { ElfFile } from './model.ts';
import { scanElf } from './scan.ts';

/**
 * Parses a 64-bit relocatable BPF object of either byte order. Section contents are views of its bytes, which
 * must not change afterwards. Its name is first in every message. Throws `RootletError` with a code
 * `elf-...`. `keepDebug`: check and decode the relocations of DWARF (`.debug_*`) too; default false. `limits`: of
 * input, as `--limits` takes them (docs/robustness.md).
 */
export function parseElf(
  file: InputFile,
  options: { readonly keepDebug?: boolean; readonly limits?: Limits } = {},
): ElfFile {
  requireFile('parseElf: file', file);
  const { name, bytes } = file;
  const image = new Image(options.limits);
  try {
    return elfFileOf(image, scanElf(image, { name, bytes }, options), { name, bytes });
  } catch (error) {
    image.release();
    throw error;
  }
}
