/**
 * Programs with another type than their section specifies.
 *
 * The section of a program is where every layer finds its type, and where loaders of the result look: so a
 * program that gets a type moves to the section of that type. What else it says (autoload off) stays.
 */

import { available, didYouMean, type Problem, problem, quote, RootletError } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  programsOf,
  type SectionShell,
  type SymbolIndex,
  sectionAt,
} from '../model/index.ts';
import { sectionOfType } from './type-words.ts';

/**
 * Name of a program → its type: a section name of libbpf (`xdp`, `cgroup_skb/egress`, `kprobe/do_exit`) or
 * the kernel's name of a type (`sched_cls`). The name `*` stands for all programs that have no entry.
 */
export type ProgramTypes = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

/** Entries of types, as they were given. */
export function typeEntries(types: ProgramTypes): readonly (readonly [string, string])[] {
  return types instanceof Map ? [...types] : Object.entries(types);
}

/**
 * The object with programs of these types. Throws `object-program-type` for words that are not types, and
 * `object-no-program` for names of no program.
 */
export function withProgramTypes(object: BpfObject, types: ProgramTypes): BpfObject {
  const entries = typeEntries(types);
  if (entries.length === 0) return object;
  const { sections, problems } = sectionsFor(object, entries);
  const programs = programsOf(object);
  const names = programs.map(({ program }) => program.name);
  for (const [name] of entries)
    if (name !== ALL && !names.includes(name)) problems.push(noProgram(object, name, names));
  if (problems.length > 0) throw new RootletError(problems);
  const wanted = new Map<SymbolIndex, string>();
  for (const { index, program } of programs) {
    const section = sections.get(program.name) ?? sections.get(ALL);
    if (section !== undefined) wanted.set(index, section);
  }
  return moveTo(object, wanted);
}

const ALL = '*';

function sectionsFor(
  { name: file }: BpfObject,
  entries: readonly (readonly [string, string])[],
): { readonly sections: ReadonlyMap<string, string>; readonly problems: Problem[] } {
  const sections = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, word] of entries) {
    const found = sectionOfType(word);
    if (found.ok) sections.set(name, found.value);
    else problems.push({ ...found.problem, where: name === ALL ? [] : [file, `program ${quote(name)}`] });
  }
  return { sections, problems };
}

function noProgram({ name: file }: BpfObject, name: string, names: readonly string[]): Problem {
  return problem('object-no-program', [file], `has no program ${quote(name)} that could get a type`, {
    subject: name,
    ...didYouMean(name, names, available('there are', names)),
  });
}

/** Each program in the section that it is wanted in; autoload stays as it is. */
function moveTo(object: BpfObject, wanted: ReadonlyMap<SymbolIndex, string>): BpfObject {
  const sections: SectionShell[] = [...object.sections];
  const symbols = object.symbols.map((symbol, index): BpfSymbol => {
    const to = wanted.get(index);
    if (to === undefined || symbol.kind === 'extern') return symbol;
    const from = sectionAt(object, symbol.section);
    const name = from.name.startsWith('?') ? `?${to}` : to;
    if (from.name === name) return symbol;
    const known = sections.findIndex(section => section.name === name);
    const section = known >= 0 ? known : sections.push({ ...from, name }) - 1;
    return { ...symbol, section };
  });
  return { ...object, sections, symbols };
}
