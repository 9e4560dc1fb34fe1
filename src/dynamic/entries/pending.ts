/** Externs that were left open when their consumer was loaded (`--lazy`), bound when a provider comes. */

import { bugError, type Problem, RootletError } from '../../diag/index.ts';
import type { Attachment, Sys } from '../../kernel/index.ts';
import { readProgramTypes } from '../../load/index.ts';
import type { StoreEntry } from '../../store/index.ts';
import { type Binding, type Found, findDefinitions } from '../bind/index.ts';
import {
  attachToStub,
  loadMember,
  type MemberOptions,
  REPLACEMENT_TYPE,
  setSlot,
} from '../providers/index.ts';
import { extStubNames } from '../stubs/index.ts';
import { type FullContents, objectOf, type Registry, typeFrom, withContents } from './registry.ts';
import {
  decodeDynamic,
  encodeDynamic,
  pinNames,
  readBindings,
  type StoredDynamic,
  type StoredStub,
} from './stored.ts';

export interface PendingResult {
  /** Consumer and extern of everything that is bound now. */
  readonly bound: readonly { readonly entry: string; readonly binding: Binding }[];
  /** Why others stay open although the name is there now. */
  readonly problems: readonly Problem[];
}

/** Whether a binding waits for a provider. */
export function isPending(binding: Binding): boolean {
  return binding.provider === '' && binding.slot !== null;
}

/** Binds what waits for something that `provider` defines. Consumers that do not agree with it stay as they are. */
export function bindPending(
  registry: Registry,
  provider: string,
  options: MemberOptions = {},
): PendingResult {
  const bound: PendingResult['bound'][number][] = [];
  const problems: Problem[] = [];
  for (const entry of registry.store.list()) {
    if (entry.kind === 'broken') continue;
    if (!(readBindings(entry) ?? []).some(isPending)) continue;
    const stored = decodeDynamic(entry.record.data);
    try {
      const bindings = bindEntry(registry, entry, stored, provider, options);
      bound.push(...bindings.map(binding => ({ entry: entry.name, binding })));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(
        ...error.problems.map(problem => ({ ...problem, where: [entry.name, ...problem.where] })),
      );
    }
  }
  registry.saveChanged();
  return { bound, problems };
}

function bindEntry(
  registry: Registry,
  entry: StoreEntry,
  stored: StoredDynamic,
  provider: string,
  options: MemberOptions,
): Binding[] {
  const { store } = registry;
  const object = objectOf(store, entry);
  const scope = {
    bind: stored.requests.filter(({ extern }) => isOpen(stored, extern)),
    named: [],
    registered: registry.all(),
  };
  const search = findDefinitions(object, scope, true);
  const found = search.found.filter(one => one.provider.name === provider && isOpen(stored, one.name));
  if (found.length === 0) return [];
  const named = new Set(found.map(one => one.name));
  const refused = search.problems.filter(({ subject }) => subject !== undefined && named.has(subject));
  if (refused.length > 0) throw new RootletError(refused);
  return withContents(store, entry, contents => {
    const filled = found.map(one => fill(store.sys, contents, stored, one, options));
    const bindings = filled.map(one => one.binding);
    const links = new Map(contents.links);
    const stubs = filled.flatMap(one => one.stubs);
    for (const { stub, link } of stubs) links.set(pinNames.stub(stub), link);
    try {
      const dynamic: StoredDynamic = {
        ...stored,
        bindings: stored.bindings.map(
          old => bindings.find(now => isPending(old) && now.extern === old.extern) ?? old,
        ),
        stubs: [...stored.stubs, ...stubs.map(one => one.stub)],
      };
      store.save(entry.kind, entry.name, {
        ...contents,
        links,
        data: { ...contents.data, dynamic: encodeDynamic(dynamic) },
      });
    } finally {
      for (const { link } of stubs) link.close();
    }
    return bindings;
  });
}

function isOpen(stored: StoredDynamic, extern: string): boolean {
  return stored.bindings.some(binding => isPending(binding) && binding.extern === extern);
}

interface Filled {
  readonly binding: Binding;
  readonly stubs: readonly { readonly stub: StoredStub; readonly link: Attachment }[];
}

function fill(
  sys: Sys,
  contents: FullContents,
  stored: StoredDynamic,
  found: Found,
  options: MemberOptions,
): Filled {
  const open = stored.bindings.find(binding => isPending(binding) && binding.extern === found.name);
  if (open?.slot == null) throw bugError([found.name], 'is filled although nothing waits for it');
  const { provider, target, by } = found;
  const binding: Binding = {
    ...open,
    provider: provider.name,
    target: target.name,
    by,
    reason: `${open.reason}; bound when ${provider.name} was loaded`,
  };
  if (open.via === 'tail') {
    const array = contents.maps.get(open.slot.array);
    using member = loadMember(sys, provider, target.name, { type: typeFrom(open.slot) }, options);
    if (array !== undefined) setSlot(array, open.slot.entry, member);
    return { binding, stubs: [] };
  }
  return { binding, stubs: fillStubs(sys, contents, open, found, options) };
}

/** Replaces the first stub of an extern in every program that has it. */
function fillStubs(
  sys: Sys,
  contents: FullContents,
  { extern, slot }: Binding,
  { provider, target }: Found,
  options: MemberOptions,
): Filled['stubs'] {
  const [stubName] = extStubNames(extern);
  const made: { stub: StoredStub; link: Attachment }[] = [];
  try {
    for (const [name, program] of contents.programs) {
      const stub = readProgramTypes(program).functions.find(candidate => candidate.name === stubName);
      if (stub === undefined) continue;
      const at = { fd: program.fd.number, btfId: stub.btfId };
      const replacement = provider.replacements.programFor(target.name, slot?.kind ?? '', () =>
        loadMember(sys, provider, target.name, { type: REPLACEMENT_TYPE, target: at }, options),
      );
      made.push({ stub: { extern, program: name, stub: 'a' }, link: attachToStub(sys, replacement, at) });
    }
    return made;
  } catch (error) {
    for (const { link } of made) link.close();
    throw error;
  }
}
