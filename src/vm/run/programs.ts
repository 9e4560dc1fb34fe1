/** Which programs of an object the machine can run, and as what. */

import {
  available,
  bugError,
  inputError,
  problem,
  quote,
  RootletError,
  usageError,
} from '../../diag/index.ts';
import {
  type BpfObject,
  programsOf,
  programTypeOf,
  type SymbolIndex,
  sectionNameOf,
  staticChoice,
  suggestSectionName,
  typeHint,
} from '../../object/index.ts';
import {
  BPF_PROG_TYPE_CGROUP_SKB,
  BPF_PROG_TYPE_SCHED_ACT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_XDP,
} from '../../uapi/index.ts';
import type { ProgramKind } from '../state/index.ts';

export interface RunnableProgram {
  readonly symbol: SymbolIndex;
  readonly name: string;
  readonly kind: ProgramKind;
}

/** Program type → what its programs run as; the first type of a kind stands for it. */
const KINDS: ReadonlyMap<number, ProgramKind> = new Map<number, ProgramKind>([
  [BPF_PROG_TYPE_XDP, 'xdp'],
  [BPF_PROG_TYPE_SCHED_CLS, 'tc'],
  [BPF_PROG_TYPE_SCHED_ACT, 'tc'],
  [BPF_PROG_TYPE_SOCKET_FILTER, 'socket'],
  [BPF_PROG_TYPE_CGROUP_SKB, 'cgroup-skb'],
]);

/** Programs of the object that the machine can run; `override` says what the chosen program is run as. */
export function runnablePrograms(
  object: BpfObject,
  chosen: string | undefined,
  override: ProgramKind | undefined,
): readonly RunnableProgram[] {
  const all = programsOf(object).map(({ index, program }) => ({
    symbol: index,
    name: program.name,
    section: sectionNameOf(object, program),
  }));
  const isStatic = staticChoice(object, chosen);
  if (isStatic !== undefined) throw new RootletError([isStatic]);
  const wanted = chosen === undefined ? all : all.filter(program => program.name === chosen);
  if (chosen !== undefined && wanted.length === 0) {
    const names = all.map(program => program.name);
    throw usageError('vm-unknown-program', `${object.name} has no program ${quote(chosen)}`, {
      hint: available('it has', names),
    });
  }
  const runnable = wanted.flatMap(({ symbol, name, section }) => {
    const kind = override ?? kindOfSection(section);
    return kind === undefined ? [] : [{ symbol, name, kind }];
  });
  if (runnable.length > 0) return runnable;
  throw noneRunnable(object, wanted);
}

/** Further programs among the functions that were reached: those that are tail-called. */
export function reachedPrograms(
  object: BpfObject,
  reached: ReadonlySet<SymbolIndex>,
): readonly RunnableProgram[] {
  return programsOf(object).flatMap(({ index, program }) => {
    const kind = kindOfSection(sectionNameOf(object, program));
    return reached.has(index) && kind !== undefined ? [{ symbol: index, name: program.name, kind }] : [];
  });
}

/** Also for old names such as `xdp_foo`, which libbpf no longer accepts. */
export function kindOfSection(section: string): ProgramKind | undefined {
  const suggested = suggestSectionName(section);
  const info = programTypeOf(section) ?? (suggested === undefined ? undefined : programTypeOf(suggested));
  return info === undefined ? undefined : KINDS.get(info.progType);
}

/** The program type that programs of a kind have. */
export function progTypeOf(kind: ProgramKind): number {
  const found = [...KINDS].find(([, known]) => known === kind);
  if (found === undefined) throw bugError([kind], 'a kind of programs has no program type');
  return found[0];
}

function noneRunnable(
  object: BpfObject,
  programs: readonly { readonly name: string; readonly section: string }[],
): RootletError {
  if (programs.length === 0) {
    return inputError('vm-no-program', [object.name], 'has no program', {
      hint: 'a program is a global function with a SEC("xdp") or the like; .text holds only subprograms',
    });
  }
  return new RootletError(
    programs.map(({ name, section }) =>
      problem(
        'vm-program-type',
        [object.name, `program ${quote(name)}`],
        `section ${quote(section)} cannot run in the machine`,
        { hint: machineHint(name, section) },
      ),
    ),
  );
}

function machineHint(program: string, section: string): string {
  const runs = 'it runs xdp, tc, socket and cgroup_skb programs';
  return programTypeOf(section) === undefined ? `${runs}; ${typeHint(program, section)}` : runs;
}
