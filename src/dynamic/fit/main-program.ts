/**
 * The rootlet's own program: what it fixes for its components (program type, attach type, fragments,
 * sleeping), and what a program must be that takes its place.
 */

import { inputError, type Problem, problem, quote } from '../../diag/index.ts';
import { entryObjection, fragmentsProblem, misfit } from '../../link/index.ts';
import { type BpfObject, type SectionInfo, sectionNameOf } from '../../object/index.ts';
import { attachTypeName, BPF_F_SLEEPABLE } from '../../uapi/index.ts';
import { effectsOf } from '../bind/index.ts';
import { isInstead, type Pair, programNamed, typeOfProgram } from './pair.ts';

/** Type of a rootlet's program, as which all of its components are loaded. Throws `relink-program-type`. */
export function mainType(rootlet: BpfObject, main: string): SectionInfo {
  const program = programNamed(rootlet, main);
  const type = program === undefined ? undefined : typeOfProgram(rootlet, program);
  if (type !== undefined) return type;
  const section = program === undefined ? '' : sectionNameOf(rootlet, program);
  throw inputError(
    'relink-program-type',
    [rootlet.name],
    `section ${quote(section)} does not specify the type of program ${quote(main)}`,
  );
}

/** What is wrong with a program beside the rootlet's own: type, attach type, fragments, sleeping. */
export function typeProblem(pair: Pair): Problem | undefined {
  const { host, component, program } = pair;
  const own = typeOfProgram(host.rootlet, host.main);
  const other = typeOfProgram(component, program) ?? own; // what its section does not specify, the place does
  if (own?.progType !== other?.progType) return wrongType(pair, 'the program types differ');
  if (own === undefined || other === undefined) return undefined;
  if (attachTypesDiffer(own, other)) {
    const [here, there] = [own, other].map(type => attachTypeName(type.expectedAttachType));
    return wrongType(pair, `attach type ${there} instead of ${here}`);
  }
  const section = sectionNameOf(host.rootlet, host.main);
  return fragmentsProblem(host.rootlet, [section], component, program) ?? sleepProblem(pair, own, other);
}

/** A section that fixes no attach type (`tc`, `cgroup/skb`) goes with every one. */
function attachTypesDiffer(a: SectionInfo, b: SectionInfo): boolean {
  return fixesAttachType(a) && fixesAttachType(b) && a.expectedAttachType !== b.expectedAttachType;
}

/** 0 is an attach type as well: `cgroup_skb/ingress` has it, as one that older kernels do not ask for. */
function fixesAttachType(type: SectionInfo): boolean {
  return type.expectedAttachType !== 0 || type.attachTypeOptional;
}

function wrongType(pair: Pair, reason: string): Problem {
  const { host, component, program, fill } = pair;
  const [own, other] = [sectionNameOf(host.rootlet, host.main), sectionNameOf(component, program)];
  const place = isInstead(pair) ? `the place of ${quote(host.main.name)}` : `slot ${quote(fill.slot)}`;
  return problem(
    'relink-program-type',
    [component.name],
    `program ${quote(program.name)} in section ${quote(other)} does not fit ${place} in section ${quote(own)}: ${reason}`,
    { hint: 'rootlet and component must be programs of one type and one attach type' },
  );
}

/**
 * A program in a slot sleeps as part of the rootlet's program; one in its place does so by its own section.
 */
function sleepProblem(pair: Pair, own: SectionInfo, other: SectionInfo): Problem | undefined {
  const { host, component, program, programIndex } = pair;
  const { sleeps } = effectsOf(component, programIndex);
  const type = isInstead(pair) ? other : own;
  if (sleeps === null || (type.flags & BPF_F_SLEEPABLE) !== 0) return undefined;
  const runner = isInstead(pair) ? program : host.main;
  return problem(
    'relink-program-type',
    [component.name],
    `program ${quote(program.name)} calls ${sleeps}, which may sleep, and ${quote(runner.name)} is not a sleepable program`,
    { hint: `a sleepable program is in a section such as SEC("${type.section}.s"), where its type has one` },
  );
}

/** What is wrong with the entry point of a program that replaces the rootlet's own. */
export function entryProblem({ host, component, program }: Pair): Problem | undefined {
  const { rootlet, main } = host;
  if (component.btf === null) return undefined;
  const { progType } = typeOfProgram(rootlet, main) ?? {};
  const objection = entryObjection({ btf: component.btf, func: program.btfId }, progType);
  if (objection === undefined) return undefined;
  return misfit({ object: rootlet, symbol: main }, { object: component, symbol: program }, objection, 'main');
}
