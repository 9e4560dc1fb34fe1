/** Externs that were undefined when their consumer was loaded (`--lazy`), bound when a provider is loaded. */

import { bugError, type Problem, RootletError } from '../../diag/index.ts';
import type { Attachment, Sys } from '../../kernel/index.ts';
import { Cleanup, readProgramTypes, verifierFailureOf } from '../../load/index.ts';
import type { StoreEntry } from '../../store/index.ts';
import { type Binding, type Found, findDefinitions } from '../bind/index.ts';
import { attachToStub, loadMember, type MemberOptions, REPLACEMENT_TYPE } from '../providers/index.ts';
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
import { isPending, saveFilling, type WaitingSlot } from './waiting-slots.ts';

export interface PendingResult {
  /** Consumer and extern of everything that is bound now. */
  readonly bound: readonly { readonly entry: string; readonly binding: Binding }[];
  /** Why others remain unbound although the name is defined now. */
  readonly problems: readonly Problem[];
  /** System calls that failed while others were being bound: a second attempt may bind them. */
  readonly failures: readonly Problem[];
}

/** Binds pending externs that `provider` defines. Consumers that do not agree with it are not changed. */
export function bindPending(
  registry: Registry,
  provider: string,
  options: MemberOptions = {},
): PendingResult {
  const bound: PendingResult['bound'][number][] = [];
  const problems: Problem[] = [];
  const failures: Problem[] = [];
  for (const entry of registry.store.list()) {
    if (entry.kind === 'broken') continue;
    if (!(readBindings(entry) ?? []).some(isPending)) continue;
    const stored = decodeDynamic(entry.record.data);
    try {
      const bindings = bindEntry(registry, entry, stored, provider, options);
      bound.push(...bindings.map(binding => ({ entry: entry.name, binding })));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      const framed = error.problems.map(problem => ({ ...problem, where: [entry.name, ...problem.where] }));
      (isFailedCall(error) ? failures : problems).push(...framed);
    }
  }
  registry.saveChanged();
  return { bound, problems, failures };
}

/** A program that the verifier refuses with a reason does not fit; whatever else has an errno may fit later. */
function isFailedCall(error: RootletError): boolean {
  const hasReason = (verifierFailureOf(error)?.log.length ?? 0) > 0;
  return !hasReason && error.problems.some(({ errno }) => errno !== undefined);
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
    const made = new Cleanup();
    try {
      const filled = found.map(one => fill({ sys: store.sys, contents, stored, options, made }, one));
      saveFilling(
        store,
        entry,
        boundContents(contents, stored, filled),
        filled.flatMap(one => one.slots),
      );
      return filled.map(one => one.binding);
    } finally {
      made.undo(); // programs and links, which pins hold
    }
  });
}

function boundContents(
  contents: FullContents,
  stored: StoredDynamic,
  filled: readonly Filled[],
): FullContents {
  const bindings = filled.map(one => one.binding);
  const stubs = filled.flatMap(one => one.stubs);
  const links = new Map(contents.links);
  for (const { stub, link } of stubs) links.set(pinNames.stub(stub), link);
  const programs = new Map(contents.programs);
  for (const { binding, slots } of filled)
    for (const { program } of slots) programs.set(pinNames.own(binding.extern), program);
  const dynamic: StoredDynamic = {
    ...stored,
    bindings: stored.bindings.map(
      old => bindings.find(now => isPending(old) && now.extern === old.extern) ?? old,
    ),
    stubs: [...stored.stubs, ...stubs.map(one => one.stub)],
  };
  return { ...contents, programs, links, data: { ...contents.data, dynamic: encodeDynamic(dynamic) } };
}

function isOpen(stored: StoredDynamic, extern: string): boolean {
  return stored.bindings.some(binding => isPending(binding) && binding.extern === extern);
}

interface Filling {
  readonly sys: Sys;
  readonly contents: FullContents;
  readonly stored: StoredDynamic;
  readonly options: MemberOptions;
  /** Closes what is made. */
  readonly made: Cleanup;
}

interface Filled {
  readonly binding: Binding;
  readonly stubs: readonly { readonly stub: StoredStub; readonly link: Attachment }[];
  /** Nothing is in them yet. */
  readonly slots: readonly WaitingSlot[];
}

function fill(filling: Filling, found: Found): Filled {
  const { sys, contents, stored, options, made } = filling;
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
  if (open.via !== 'tail') return { binding, stubs: fillStubs(filling, open, found), slots: [] };
  const array = contents.maps.get(open.slot.array);
  if (array === undefined) return { binding, stubs: [], slots: [] };
  const program = made.own(loadMember(sys, provider, target.name, { type: typeFrom(open.slot) }, options));
  return { binding, stubs: [], slots: [{ array, entry: open.slot.entry, program }] };
}

/** Replaces the first stub of an extern in every program that has it. */
function fillStubs(
  { sys, contents, options, made }: Filling,
  { extern, slot }: Binding,
  { provider, target }: Found,
): Filled['stubs'] {
  const [stubName] = extStubNames(extern);
  return [...contents.programs].flatMap(([name, program]): Filled['stubs'] => {
    const stub = readProgramTypes(program).functions.find(candidate => candidate.name === stubName);
    if (stub === undefined) return [];
    const at = { fd: program.fd.number, btfId: stub.btfId };
    const replacement = provider.replacements.programFor(target.name, slot?.kind ?? '', () =>
      loadMember(sys, provider, target.name, { type: REPLACEMENT_TYPE, target: at }, options),
    );
    const link = made.own(attachToStub(sys, replacement, at));
    return [{ stub: { extern, program: name, stub: 'a' }, link }];
  });
}
