/** Loading the programs of a plan: descriptors into instructions, then BPF_PROG_LOAD. */

import { elementAt } from '../../bytes/index.ts';
import { bugError } from '../../diag/index.ts';
import { CodeView } from '../../isa/index.ts';
import {
  type BpfMap,
  BpfProgram,
  type Fd,
  type LogLevel,
  loadProgram,
  openById,
  type ProgramSpec,
  type Sys,
  syscallError,
} from '../../kernel/index.ts';
import type { Fixup, LoadPlan, ProgramPlan } from '../plan/index.ts';
import { createJumpTables } from './jump-tables.ts';
import { verifierError } from './verifier-failure.ts';

/** A function of a loaded program: its descriptor and the FUNC type in its BTF. */
export interface AttachTarget {
  /** Program to attach to (freplace, tracing of programs). */
  readonly fd: number;
  /** FUNC in that program's types. */
  readonly btfId: number;
}

export interface ProgramContext {
  readonly sys: Sys;
  readonly plan: LoadPlan;
  readonly maps: readonly BpfMap[];
  readonly btf: Fd | null;
  readonly logLevel: LogLevel;
  readonly keepLog: boolean;
  /** Program name → loaded program that it attaches to. */
  readonly targets: ReadonlyMap<string, AttachTarget>;
}

/** Loads one program. Throws `kernel-verifier-refused` or `kernel-program-refused`. */
export function loadPlanned(context: ProgramContext, program: ProgramPlan): BpfProgram {
  const { sys, plan } = context;
  const modules = new ModuleBtfs(sys);
  const tables: BpfMap[] = [];
  /** A jump table belongs to one program, so that each load gets tables of its own. */
  const freshSpec = (): ProgramSpec => {
    const own = createJumpTables(sys, program);
    tables.push(...own);
    const code = program.code.slice();
    const view = new CodeView(code, plan.byteOrder);
    for (const fixup of program.fixups) applyFixup(view, fixup, { maps: context.maps, tables: own, modules });
    return specOf(context, program, code, modules);
  };
  try {
    const result = loadProgram(sys, freshSpec(), context.logLevel, context.keepLog, freshSpec);
    if (result.kind === 'refused') throw verifierError(plan, program, result.errno, result.log);
    return new BpfProgram(sys, result.fd, program.name, program.type.progType, result.log);
  } finally {
    for (const table of tables) table.close();
    modules.close();
  }
}

function specOf(
  context: ProgramContext,
  program: ProgramPlan,
  code: Uint8Array,
  modules: ModuleBtfs,
): ProgramSpec {
  const { plan, btf } = context;
  const { progType, expectedAttachType, flags } = program.type;
  const target = context.targets.get(program.name);
  const attach = target ?? kernelTarget(program, modules);
  return {
    name: program.kernelName,
    type: progType,
    code,
    license: plan.license,
    expectedAttachType,
    flags,
    ...(btf === null || program.funcInfo === null ? {} : { btfFd: btf.number, funcInfo: program.funcInfo }),
    ...(btf === null || program.lineInfo === null ? {} : { lineInfo: program.lineInfo }),
    ...(attach === null ? {} : { attachBtfId: attach.btfId, attachFd: attach.fd }),
    ...(modules.count === 0 ? {} : { fdArray: modules.fdArray() }),
  };
}

function kernelTarget(program: ProgramPlan, modules: ModuleBtfs): AttachTarget | null {
  if (program.attach === null) return null;
  const { btfId, btfObject } = program.attach;
  return { btfId, fd: btfObject === 0 ? 0 : modules.fdOf(btfObject) };
}

/** What has the descriptors that instructions wait for. */
interface Descriptors {
  readonly maps: readonly BpfMap[];
  readonly tables: readonly BpfMap[];
  readonly modules: ModuleBtfs;
}

function applyFixup(code: CodeView, fixup: Fixup, { maps, tables, modules }: Descriptors): void {
  switch (fixup.kind) {
    case 'jump-table':
      code.setImm(fixup.insnIndex, elementAt(tables, fixup.table).fd.number);
      return;
    case 'map':
    case 'map-value': {
      const map = maps[fixup.map];
      if (map === undefined) throw bugError([], `the plan has no map ${fixup.map}`);
      code.setImm(fixup.insnIndex, map.fd.number);
      return;
    }
    case 'kfunc':
      code.setOffset(fixup.insnIndex, modules.indexOf(fixup.btfObject));
      return;
    case 'kernel-symbol':
      code.setImm(fixup.insnIndex + 1, modules.fdOf(fixup.btfObject));
      return;
  }
}

/** BTF objects of kernel modules that a program needs while it is loaded. Index 0 represents vmlinux. */
class ModuleBtfs {
  readonly #sys: Sys;
  readonly #ids: number[] = [];
  readonly #fds: Fd[] = [];

  constructor(sys: Sys) {
    this.#sys = sys;
  }

  get count(): number {
    return this.#fds.length;
  }

  /** Index in the descriptor array, from 1. */
  indexOf(btfObject: number): number {
    const known = this.#ids.indexOf(btfObject);
    if (known >= 0) return known + 1;
    const fd = openById(this.#sys, 'btf', btfObject);
    if (fd === undefined)
      throw syscallError('kernel-module-gone', [], `opening the types of module BTF ${btfObject}`, -2);
    this.#ids.push(btfObject);
    this.#fds.push(fd);
    return this.#fds.length;
  }

  fdOf(btfObject: number): number {
    return elementAt(this.#fds, this.indexOf(btfObject) - 1).number;
  }

  fdArray(): number[] {
    return [0, ...this.#fds.map(fd => fd.number)];
  }

  close(): void {
    for (const fd of this.#fds) fd.close();
  }
}
