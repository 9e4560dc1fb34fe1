/**
 * A unit of an image → ELF.
 *
 * Lays the atoms out, writes references back as relocations (or, for a call to a local function of the same
 * section, as the pc-relative immediate that compilers write), regenerates every DATASEC from the final
 * positions of atoms, and encodes `.BTF` and `.BTF.ext`. Instruction immediates of CO-RE type-id relocations
 * are written from the record's type, so that they are right after types were renumbered.
 */

import { MAX_SECTIONS, type ElfOutput } from '../../elf/index.ts';
import { ATOM, Image, OUTPUT, TYPE, UNIT } from '../../image/index.ts';
import * as elf from '../../elf/write.kernel.ts';
import { variableSize } from '../model/index.ts';
import { ATOM_KIND } from './codes.ts';
import * as contents from './contents.kernel.ts';
import { throwFault } from './explain.ts';
import * as frame from './frame.kernel.ts';
import * as layout from './layout.kernel.ts';
import * as symbols from './symbols.kernel.ts';
import * as types from './types.kernel.ts';
