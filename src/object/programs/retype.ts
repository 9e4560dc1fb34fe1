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
  problems.push(...unknownPrograms([object], types));
  if (problems.length > 0) throw new RootletError(problems);
  return moveTo(object, sectionsByIndex(object, sections));
}

function sectionsByIndex(
  object: BpfObject,
  sections: ReadonlyMap<string, string>,
): ReadonlyMap<SymbolIndex, string> {
  const wanted = new Map<SymbolIndex, string>();
  for (const { index, program } of programsOf(object)) {
    const section = sections.get(program.name) ?? sections.get(ALL);
    if (section !== undefined) wanted.set(index, section);
  }
  return wanted;
}

const ALL = '*';

/**
 * The types among those of several objects that are for this one. There a name may be `FILE:PROGRAM`, with the
 * name of the object or the last part of it.
 */
export function typesFor(object: BpfObject, types: ProgramTypes): ReadonlyMap<string, string> {
  const base = object.name.slice(object.name.lastIndexOf('/') + 1);
  const programs = programsOf(object).map(({ program }) => program.name);
  const plain = new Map(typeEntries(types));
  return new Map(
    programs.flatMap(name => {
      const keys = [`${object.name}:${name}`, `${base}:${name}`, name, ALL];
      const key = keys.find(one => plain.has(one));
      const type = key === undefined ? undefined : plain.get(key);
      return type === undefined ? [] : [[name, type] as const];
    }),
  );
}

/** Several objects with programs of these types, or all problems of the request. */
export function retypeAll(
  objects: readonly BpfObject[],
  types: ProgramTypes,
): { readonly objects: readonly BpfObject[]; readonly problems: readonly Problem[] } {
  if (typeEntries(types).length === 0) return { objects, problems: [] };
  const problems = unknownPrograms(objects, types);
  const typed = objects.map(object => {
    const mine = typesFor(object, types);
    const { sections, problems: refused } = sectionsFor(object, typeEntries(mine));
    problems.push(...refused);
    return moveTo(object, sectionsByIndex(object, sections));
  });
  return { objects: typed, problems };
}

/** The problems of names in types that are programs of none of the objects. */
export function unknownPrograms(objects: readonly BpfObject[], types: ProgramTypes): Problem[] {
  const names = new Set(
    objects.flatMap(object => {
      const base = object.name.slice(object.name.lastIndexOf('/') + 1);
      return programsOf(object).flatMap(({ program: { name } }) => [
        name,
        `${base}:${name}`,
        `${object.name}:${name}`,
      ]);
    }),
  );
  const first = objects[0];
  if (first === undefined) return [];
  const plain = [...names].filter(name => !name.includes(':'));
  return typeEntries(types).flatMap(([name]) =>
    name === ALL || names.has(name) ? [] : [noProgram(objects.length === 1 ? first.name : null, name, plain)],
  );
}

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

function noProgram(file: string | null, name: string, names: readonly string[]): Problem {
  const message = file === null ? `no object has a program ${quote(name)}` : `has no program ${quote(name)}`;
  return problem('object-no-program', file === null ? [] : [file], `${message}, which gets a type`, {
    subject: name,
    ...didYouMean(name, names, available('there are', names)),
  });
}

/** Each program in the section that it is wanted in; autoload stays as it is. */
function moveTo(object: BpfObject, wanted: ReadonlyMap<SymbolIndex, string>): BpfObject {
  const sections: SectionShell[] = [...object.sections];
  let moved = false;
  const symbols = object.symbols.map((symbol, index): BpfSymbol => {
    const to = wanted.get(index);
    if (to === undefined || symbol.kind === 'extern') return symbol;
    const from = sectionAt(object, symbol.section);
    const name = from.name.startsWith('?') ? `?${to}` : to;
    if (from.name === name) return symbol;
    const known = sections.findIndex(section => section.name === name);
    const section = known >= 0 ? known : sections.push({ ...from, name }) - 1;
    moved = true;
    return { ...symbol, section };
  });
  return moved ? { ...object, sections, symbols } : object;
}
