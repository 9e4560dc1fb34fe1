/**
 * Functions of a program that is in the kernel already, whoever loaded it: names and types, from the info in
 * the kernel.
 *
 * The kernel keeps the types of a program's functions in the order of its instructions. A name in the
 * program's BTF alone is not enough: functions that did not end up in this program are named there as well.
 */

import { type Btf, type BtfId, type BtfLinkage, parseBtf } from '../../btf/index.ts';
import { available, platformError, quote, usageError } from '../../diag/index.ts';
import { type BpfProgram, HOST_ORDER, typesById } from '../../kernel/index.ts';
import type { AttachTarget } from './programs.ts';

export interface ProgramFunction {
  readonly name: string;
  /** FUNC type in the program's BTF. */
  readonly btfId: BtfId;
  /** Only global functions can be replaced. */
  readonly linkage: BtfLinkage;
  /** First instruction, counted after verification. */
  readonly insnOffset: number;
}

export interface ProgramTypes {
  readonly btf: Btf;
  /** The program itself first. */
  readonly functions: readonly ProgramFunction[];
}

/**
 * Types and functions of a loaded program. Needs CAP_SYS_ADMIN for programs of others; throws
 * `kernel-program-types` when it has none.
 */
export function readProgramTypes(program: BpfProgram): ProgramTypes {
  const info = program.info();
  const bytes = info.btfId === 0 ? undefined : typesById(program.sys, info.btfId);
  if (bytes === undefined) {
    throw platformError('kernel-program-types', [`program ${quote(info.name)}`], 'was loaded without types', {
      hint: 'only programs with BTF list their functions; compile with -g',
    });
  }
  const btf = parseBtf(bytes, HOST_ORDER);
  return { btf, functions: info.functions.flatMap(record => describe(btf, record)) };
}

function describe(
  btf: Btf,
  record: { readonly insnOffset: number; readonly typeId: number },
): ProgramFunction[] {
  if (record.typeId < 1 || record.typeId > btf.count) return [];
  const type = btf.type(record.typeId);
  if (type.kind !== 'func') return [];
  return [{ name: type.name, btfId: record.typeId, linkage: type.linkage, insnOffset: record.insnOffset }];
}

/**
 * A function of a loaded program as the target of a replacement. Throws `load-target-function`, naming the
 * functions that there are, also when the function is static.
 */
export function findTarget(program: BpfProgram, name: string): AttachTarget {
  const { functions } = readProgramTypes(program);
  const found = functions.find(candidate => candidate.name === name);
  if (found?.linkage === 'global') return { fd: program.fd.number, btfId: found.btfId };
  const where = `program ${quote(program.name)}`;
  if (found !== undefined) {
    throw usageError('load-target-function', `${where}: ${quote(name)} is static and cannot be replaced`, {
      hint: 'make it global (not static, not hidden) and noinline',
    });
  }
  const known = functions.filter(({ linkage }) => linkage === 'global').map(candidate => candidate.name);
  throw usageError(
    'load-target-function',
    `${where} has no function ${quote(name)}; ${available('it has', known)}`,
  );
}
