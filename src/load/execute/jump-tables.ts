/** Jump tables in the kernel: a map of instructions for each, filled and frozen before the program is loaded. */

import { problem, quote, RootletError } from '../../diag/index.ts';
import { BpfMap, encodeU32s, probeMapType, type Sys } from '../../kernel/index.ts';
import { JUMP_TABLES } from '../../object/index.ts';
import { BPF_MAP_TYPE_INSN_ARRAY } from '../../uapi/index.ts';
import type { JumpTablePlan, ProgramPlan } from '../plan/index.ts';

/** Bytes of `struct bpf_insn_array_value`: orig_off, xlated_off, jitted_off and padding, all u32. */
const VALUE_SIZE = 16;
/**
 * Creates the maps of a program's tables, in order. They are the caller's to close; a loaded program keeps
 * its maps. Throws `load-no-jump-tables` when the kernel has no such maps.
 */
export function createJumpTables(sys: Sys, source: string, program: ProgramPlan): readonly BpfMap[] {
  const maps: BpfMap[] = [];
  try {
    for (const table of program.jumpTables) maps.push(createTable(sys, source, program, table));
    return maps;
  } catch (error) {
    for (const map of maps) map.close();
    throw error;
  }
}

function createTable(sys: Sys, source: string, program: ProgramPlan, { targets }: JumpTablePlan): BpfMap {
  const map = createEmpty(sys, source, program, targets.length);
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

function createEmpty(sys: Sys, source: string, program: ProgramPlan, maxEntries: number): BpfMap {
  try {
    return BpfMap.create(sys, {
      name: JUMP_TABLES, // as libbpf names them
      type: BPF_MAP_TYPE_INSN_ARRAY,
      keySize: 4,
      valueSize: VALUE_SIZE,
      maxEntries,
    });
  } catch (error) {
    if (!(error instanceof RootletError) || probeMapType(sys, BPF_MAP_TYPE_INSN_ARRAY).state !== 'no') {
      throw error;
    }
    const where = [source, `program ${quote(program.name)}`];
    const message = 'has jump tables (gotox), which this kernel does not support';
    const hint = 'jump tables need Linux 6.19; for older kernels compile with -fno-jump-tables';
    throw new RootletError([problem('load-no-jump-tables', where, message, { hint })]);
  }
}
