/**
 * The section of a generated chain, which follows from the programs in it: the type and attach type that they
 * have in common, and `xdp.frags` if all of them have it. A chain loads by itself, whatever `?` its members
 * have.
 *
 * Separate from the options of chains, because it is about types only.
 */

import { failed, ok, type Problem, problem, quote, type Result } from '../../diag/index.ts';
import {
  type BpfObject,
  programsOf,
  programTypeOf,
  type SectionInfo,
  sectionNameOf,
  typeHint,
} from '../../object/index.ts';
import { BPF_F_XDP_HAS_FRAGS } from '../../uapi/index.ts';
import type { SelectedRename } from '../edit/index.ts';
import { fileMatches } from '../resolve/index.ts';
import { contextOf } from './chain-types.ts';

/** A program in a chain. */
export interface ChainMember {
  readonly file: string;
  readonly program: string;
  /** Name of its section. */
  readonly section: string;
}

export interface ChosenSection {
  readonly section: string;
  /** What members lose by it. */
  readonly notes: readonly string[];
}

/**
 * A program of a chain, in the section to which the caller moves it; none for an object without the program that
 * is asked for.
 */
export function chainMember(
  object: BpfObject,
  name: string | undefined,
  renames: readonly SelectedRename[] = [],
): ChainMember | undefined {
  const programs = programsOf(object);
  const chosen = name === undefined ? programs[0] : programs.find(entry => entry.program.name === name);
  if (chosen === undefined) return undefined;
  const own = sectionNameOf(object, chosen.program);
  const isFor = ({ from, file }: SelectedRename) =>
    from === own && (file === undefined || fileMatches(object.name, file));
  const section = renames.find(isFor)?.to ?? own;
  return { file: object.name, program: chosen.program.name, section };
}

/**
 * The section for these programs; a problem where programs of the type cannot be chained. Programs of an unknown
 * type take that of the others.
 */
export function chainSection(
  members: readonly ChainMember[],
  files: readonly string[],
): Result<ChosenSection> {
  const first = members.find(member => typeOf(member) !== undefined) ?? members[0];
  if (first === undefined)
    return failed(problem('chain-no-program', files.slice(0, 1), 'has no program for a chain'));
  if (contextOf(first.section) === undefined) return failed(typeProblem(first));
  const leading = members.find(isSpecific) ?? first;
  const withoutFrags = members.filter(member => !hasFlag(member, BPF_F_XDP_HAS_FRAGS));
  const section = spellSection(leading.section, withoutFrags.length === 0);
  return ok({ section, notes: [...lostFrags(members, withoutFrags), ...otherTypes(members, leading)] });
}

function typeProblem({ file, program, section }: ChainMember): Problem {
  return problem('chain-type', [file], `programs of section ${quote(section)} cannot be chained`, {
    hint:
      programTypeOf(section) === undefined
        ? typeHint(program, section)
        : 'write a rootlet of that type and fill its slots',
  });
}

function typeOf({ section }: ChainMember): SectionInfo | undefined {
  return programTypeOf(section);
}

/** A section with an attach type: `tcx/ingress`, as against `tc`. */
function isSpecific(member: ChainMember): boolean {
  const type = typeOf(member);
  return type !== undefined && type.expectedAttachType !== 0;
}

function hasFlag(member: ChainMember, flag: number): boolean {
  const type = typeOf(member);
  return type !== undefined && (type.flags & flag) !== 0;
}

function spellSection(section: string, frags: boolean): string {
  const name = section.startsWith('?') ? section.slice(1) : section;
  return frags ? name : name.replace('.frags', '');
}

function lostFrags(members: readonly ChainMember[], without: readonly ChainMember[]): string[] {
  if (without.length === 0 || without.length === members.length) return [];
  const names = without.map(spellMember).join(', ');
  return [`the chain is not xdp.frags, because ${names} ${without.length === 1 ? 'is' : 'are'} not`];
}

/** Members of the same program type that are for another place: the verifier judges them by the chain's. */
function otherTypes(members: readonly ChainMember[], leading: ChainMember): string[] {
  const chosen = typeOf(leading);
  return members.flatMap(member => {
    const type = typeOf(member);
    if (type === undefined || type.progType !== chosen?.progType || !isSpecific(member)) return [];
    if (type.expectedAttachType === chosen.expectedAttachType) return [];
    const name = quote(spellSection(leading.section, false));
    return [
      `${spellMember(member)} is in section ${quote(member.section)}; the chain is ${name}, as ${spellMember(leading)}`,
    ];
  });
}

/** As in notes: `"first" of a.o`. */
export function spellMember({ program, file }: ChainMember): string {
  return `${quote(program)} of ${file}`;
}
