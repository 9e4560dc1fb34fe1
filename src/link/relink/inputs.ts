/**
 * What a re-link reads: the rootlet, the components, and the members of libraries that each of them needs,
 * after symbol edits and with every slot assigned. Separate from `relink`, which works on objects only. A
 * scope is the rootlet (0) or one component with the members that were taken for it: names are looked up in
 * there.
 */

import { elementAt, given, valueAt } from '../../bytes/index.ts';
import {
  failed,
  ok,
  type Problem,
  ProblemList,
  problem,
  quote,
  type Result,
  RootletError,
} from '../../diag/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { type ProgramTypes, retypeAll } from '../../object/index.ts';
import { type InputEdits, inputEdits } from '../edit/index.ts';
import {
  type ArchiveInput,
  type ArchiveOptions,
  archiveNames,
  byteOrderProblems,
  isArchive,
  type LinkInput,
  type PulledMember,
  pullMembers,
  readInputs,
} from '../inputs/index.ts';
import { boundExterns } from '../resolve/index.ts';
import type { RelinkOptions } from './options.ts';
import { assignInOrder, componentId, componentKey, type SlotAssignment } from './slots.ts';

/** A member of a library, and whose copy it is. */
export interface ComponentMember extends PulledMember {
  /** Component that it was taken for; null for the rootlet. */
  readonly component: string | null;
}

export interface RelinkInputs {
  /**
   * The rootlet, the components in order of their first slot, then members of libraries. Their names are
   * unique: those of components are their ids, a member that several of them have is `ARCHIVE(MEMBER)#ID`.
   */
  readonly objects: readonly BpfObject[];
  /** Scope of each object. */
  readonly scopes: readonly number[];
  /** Identity of components in messages and reports: `FILE`, or `FILE#INSTANCE`. */
  readonly ids: readonly string[];
  readonly components: readonly SlotAssignment[];
  readonly assignments: readonly SlotAssignment[];
  readonly pulled: readonly ComponentMember[];
  /** Whether all scopes have the name in common. */
  readonly shared: (name: string) => boolean;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

export function readRelinkInputs(
  rootlet: LinkInput,
  assignments: readonly SlotAssignment[],
  options: RelinkOptions,
): RelinkInputs {
  const order = options.order ?? [];
  const libraries = options.libraries ?? [];
  const files = [rootlet, ...[...assignments, ...order].map(entry => entry.component)];
  const edits =
    options.edits === undefined
      ? undefined
      : inputEdits(distinctNames([...files, ...libraries]), options.edits, options.limits);
  const problems = new ProblemList();
  const read = readEach(new Set(files), options, edits, problems);
  retypeEach(read, options.types ?? {}, problems);
  const archives = libraries.flatMap(library => archiveOf(library, problems));
  const base = read.get(rootlet);
  if (base === undefined || !problems.isEmpty) return refused(problems.all);

  const assigned = assignSlots(base, assignments, options);
  if (!assigned.ok) return refused([assigned.problem]);
  const components = distinctComponents(assigned.value);
  const owners = [base, ...components.map(({ component }) => valueAt(read, component))];
  const pulled = pullForScopes(owners, archives, options, archiveOptions(options, edits));
  problems.add([...pulled.problems, ...byteOrderProblems(pulled.objects)]);
  if (!problems.isEmpty) return refused(problems.all);
  const finished = edits?.finish(pulled.objects, pulled.scopes);
  const ids = components.map(componentId);
  return {
    objects: withIds(finished?.objects ?? pulled.objects, pulled.scopes, ids),
    scopes: pulled.scopes,
    ids,
    components,
    assignments: assigned.value,
    pulled: pulled.members.map(({ scope, ...member }) => ({ ...member, component: ids[scope - 1] ?? null })),
    shared: pulled.shared,
    problems: finished?.problems ?? [],
    notes: [...new Set(finished?.notes ?? [])],
  };
}

function archiveOptions(
  { readMember, limits }: RelinkOptions,
  prepare: InputEdits | undefined,
): ArchiveOptions {
  return given({ readMember, limits, prepare });
}

/** The objects of files that could be read; those of the rootlet and of components must not be archives. */
function readEach(
  files: ReadonlySet<LinkInput>,
  { limits }: RelinkOptions,
  prepare: InputEdits | undefined,
  problems: ProblemList,
): Map<LinkInput, BpfObject> {
  const read = new Map<LinkInput, BpfObject>();
  for (const file of files) {
    const one = readInputs([file], { archives: false, ...given({ limits, prepare }) });
    const [object] = one.objects;
    if (object !== undefined) read.set(file, object);
    problems.add(one.problems);
  }
  return read;
}

/** Programs with the types that are requested. */
function retypeEach(read: Map<LinkInput, BpfObject>, types: ProgramTypes, problems: ProblemList): void {
  const typed = retypeAll([...read.values()], types);
  problems.add(typed.problems);
  [...read.keys()].forEach((file, at) => {
    read.set(file, elementAt(typed.objects, at));
  });
}

function withIds(
  objects: readonly BpfObject[],
  scopes: readonly number[],
  ids: readonly string[],
): BpfObject[] {
  const count = new Map<string, number>();
  for (const { name } of objects) count.set(name, (count.get(name) ?? 0) + 1);
  return objects.map((object, position) => {
    const id = ids[elementAt(scopes, position) - 1];
    if (id === undefined) return object;
    if (position <= ids.length) return object.name === id ? object : { ...object, name: id };
    return valueAt(count, object.name) > 1 ? { ...object, name: `${object.name}#${id}` } : object;
  });
}

function refused(problems: readonly Problem[]): RelinkInputs {
  return {
    objects: [],
    scopes: [],
    ids: [],
    components: [],
    assignments: [],
    pulled: [],
    shared: () => false,
    problems,
    notes: [],
  };
}

function distinctNames(files: readonly LinkInput[]): { readonly name: string }[] {
  return [...new Set(files.map(file => file.name))].map(name => ({ name }));
}

function archiveOf(library: LinkInput, problems: ProblemList): ArchiveInput[] {
  const { name } = library;
  try {
    const bytes = 'bytes' in library ? library.bytes : undefined;
    if (bytes !== undefined && isArchive(bytes)) return [{ name, bytes }];
    problems.add([notAnArchive(name)]);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    problems.add(error.problems);
  }
  return [];
}

function notAnArchive(name: string): Problem {
  return problem(
    'relink-library',
    [name],
    'is not an archive: externs of components are resolved in archives only',
    {
      hint: `put it into one (ar rcs lib.a ${name}), or link it to the component first`,
    },
  );
}

// --- slots --------------------------------------------------------------------------------------------------------

/** Assignments by name first, then the list in the remaining slots; with an instance where requested. */
function assignSlots(
  rootlet: BpfObject,
  assignments: readonly SlotAssignment[],
  options: RelinkOptions,
): Result<readonly SlotAssignment[]> {
  const { order = [], ownState = [] } = options;
  const inOrder = assignInOrder(rootlet, order, new Set(assignments.map(({ slot }) => slot)));
  if (!inOrder.ok) return inOrder;
  const all = [...assignments, ...inOrder.value];
  const unknown = ownState.find(slot => !all.some(assignment => assignment.slot === slot));
  if (unknown !== undefined)
    return failed(
      problem(
        'relink-own-state',
        [rootlet.name],
        `no component fills slot ${quote(unknown)}, so --own-state does not apply to it; filled slots: ${all.map(({ slot }) => quote(slot)).join(', ')}`,
      ),
    );
  const assigned = all.map(assignment =>
    assignment.instance === undefined && ownState.includes(assignment.slot)
      ? { ...assignment, instance: assignment.slot }
      : assignment,
  );
  return ok(assigned);
}

/** Each component once, in order of its first slot. */
function distinctComponents(assignments: readonly SlotAssignment[]): SlotAssignment[] {
  const byKey = new Map<string, SlotAssignment>();
  for (const assignment of assignments) {
    const key = componentKey(assignment);
    if (!byKey.has(key)) byKey.set(key, assignment);
  }
  return [...byKey.values()];
}

// --- libraries ----------------------------------------------------------------------------------------------------

interface Scoped {
  readonly objects: readonly BpfObject[];
  readonly scopes: readonly number[];
  readonly members: readonly (PulledMember & { readonly scope: number })[];
  readonly shared: (name: string) => boolean;
  readonly problems: readonly Problem[];
}

/**
 * Every scope pulls in the members that it needs; shared members are pulled in once, by the first scope that
 * needs them.
 */
function pullForScopes(
  owners: readonly BpfObject[],
  archives: readonly ArchiveInput[],
  options: RelinkOptions,
  given: ArchiveOptions,
): Scoped {
  const problems: Problem[] = [];
  const ofLibraries = sharedLibraries(archives, options, given, problems);
  const shared = sharedNames(owners, options, ofLibraries);
  const provided = new Set(owners.flatMap(owner => definedNames(owner, shared)));
  const objects = [...owners];
  const scopes = owners.map((_, scope) => scope);
  const members: (PulledMember & { readonly scope: number })[] = [];
  if (archives.length === 0) return { objects, scopes, members, shared, problems };
  owners.forEach((object, scope) => {
    const isProvided = (name: string): boolean => provided.has(name);
    const slots = archives.map(input => ({ kind: 'archive', input }) as const);
    const found = pullMembers([{ kind: 'object', object }, ...slots], {
      ...given,
      isProvided,
      boundExterns: user => boundExterns(user, options.bind ?? []),
    });
    problems.push(...found.problems);
    members.push(...found.pulled.map(member => ({ ...member, scope })));
    for (const member of found.objects) {
      if (member === object) continue;
      objects.push(member);
      scopes.push(scope);
      for (const name of definedNames(member, shared)) provided.add(name);
    }
  });
  return { objects, scopes, members, shared, problems };
}

function definedNames(object: BpfObject, wanted: (name: string) => boolean): string[] {
  return object.symbols.flatMap(symbol =>
    symbol.kind !== 'extern' && symbol.binding !== 'local' && wanted(symbol.name) ? [symbol.name] : [],
  );
}

/** Names that shared libraries define. */
function sharedLibraries(
  archives: readonly ArchiveInput[],
  options: RelinkOptions,
  given: ArchiveOptions,
  problems: Problem[],
): Set<string> {
  const names = new Set<string>();
  for (const archive of archives) {
    if (!(options.share ?? []).some(word => isLibrary(archive, word))) continue;
    const found = archiveNames(archive, given);
    for (const name of found.names) names.add(name);
    problems.push(...found.problems);
  }
  return names;
}

/** Whether a word of `share` means the library. */
export function isLibrary(library: { readonly name: string }, word: string): boolean {
  return library.name === word || library.name.slice(library.name.lastIndexOf('/') + 1) === word;
}

function sharedNames(
  owners: readonly BpfObject[],
  options: RelinkOptions,
  ofLibraries: ReadonlySet<string>,
): (name: string) => boolean {
  const shared = new Set([...(options.share ?? []), ...ofLibraries]);
  const exceptions = new Set(options.private ?? []);
  if (shared.has('*')) {
    for (const object of owners)
      for (const symbol of object.symbols) if (symbol.kind === 'map') shared.add(symbol.name);
  }
  return name => shared.has(name) && !exceptions.has(name);
}
