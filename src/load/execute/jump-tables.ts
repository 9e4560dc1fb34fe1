/** Jump tables in the kernel: a map of instructions for each, filled and frozen before the program is loaded. */

import { type BpfMap, encodeU32s, type Sys } from '../../kernel/index.ts';
import { JUMP_TABLES } from '../../object/index.ts';
import { BPF_MAP_TYPE_INSN_ARRAY } from '../../uapi/index.ts';
import type { JumpTablePlan, ProgramPlan } from '../plan/index.ts';
import { createOrExplain } from './maps.ts';

/** Bytes of `struct bpf_insn_array_value`: orig_off, xlated_off, jitted_off and padding, all u32. */
const VALUE_SIZE = 16;

/**
 * Creates the maps of a program's tables, in order. They are the caller's to close; a loaded program keeps
 * its maps. Throws `kernel-map-create` when the kernel refuses one.
 */
export function createJumpTables(sys: Sys, program: ProgramPlan): readonly BpfMap[] {
  const maps: BpfMap[] = [];
  try {
    for (const table of program.jumpTables) maps.push(createTable(sys, table));
    return maps;
  } catch (error) {
    for (const map of maps) map.close();
    throw error;
  }
}

function createTable(sys: Sys, { targets }: JumpTablePlan): BpfMap {
  const map = createOrExplain(sys, {
    name: JUMP_TABLES, // as libbpf names them
    type: BPF_MAP_TYPE_INSN_ARRAY,
    keySize: 4,
    valueSize: VALUE_SIZE,
    maxEntries: targets.length,
  });
  try {
    targets.forEach((target, index) => {
      map.update(encodeU32s([index]), encodeU32s([target, 0, 0, 0]));
    });
    map.freeze();
    return map;
  } catch (error) {
    map.close();
    throw error;
  }
}
