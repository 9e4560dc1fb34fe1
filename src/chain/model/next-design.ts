/**
 * The next design of a chain: what an edit makes of the members that run. Pure; the same for every back end.
 */

import { available, didYouMean, problem, quote, RootletError, usageError } from '../../diag/index.ts';
import { InputObject } from '../../object/index.ts';
import { componentName, NO_SETTINGS } from '../../state/index.ts';
import type { ChainDesign, DesignMember } from './design.ts';
import type { ChainEdit, MemberRequest } from './edit.ts';
import { byRunOrder } from './order.ts';

/** What a file has for a hook: the program, and what its own run configuration states. */
export interface MemberDefaults extends Pick<DesignMember, 'program' | 'priority' | 'continueOn'> {}

/** Reads the defaults of a request; throws what is wrong with its file, program or verdicts. */
export type Describe = (request: MemberRequest) => MemberDefaults;

/**
 * Throws `usage-name`, `chain-member-taken`, `chain-no-member`, `chain-order`, and what `describe` throws. `edit` of another
 * kind than `set` keeps every member that it does not name.
 */
export function nextDesign(before: ChainDesign, edit: ChainEdit, describe: Describe): ChainDesign {
  return { ...before, members: nextMembers(before.members, edit, describe) };
}

function nextMembers(
  members: readonly DesignMember[],
  edit: ChainEdit,
  describe: Describe,
): readonly DesignMember[] {
  switch (edit.kind) {
    case 'load':
      return sorted([...members, ...addedMembers(members, edit.members, describe)]);
    case 'unload':
      return edit.members === 'all' ? [] : withoutMembers(members, edit.members);
    case 'replace':
      return sorted(replaced(members, edit.name, edit.member, describe));
    case 'order':
      return ordered(members, edit.names);
    case 'set':
      return sorted(declared(members, edit.members, describe));
  }
}

/** The order of the back ends; members of equal rank stay in the order that they had. */
function sorted(members: readonly DesignMember[]): DesignMember[] {
  return [...members].sort(byRunOrder);
}

// --- load ---------------------------------------------------------------------------------------------------------

/** Name of a requested member. */
export function memberName({ name, file }: MemberRequest): string {
  return name ?? componentName(file.name);
}

/** Characters; a longer name makes tables and messages unreadable. */
const NAME_LENGTH = 128;

/** Characters with a meaning in lists, keys and paths, and those that no terminal shows. */
const UNFIT = /[:@,=/\s\p{C}]/u;

/** Names of files are encoded so that they fit. Throws `usage-name`. */
function requireName(name: string): string {
  const why = nameFault(name);
  if (why === undefined) return name;
  throw usageError('usage-name', `${quote(name)} is not a valid name of a member: ${why}`, {
    subject: name,
    hint: `names have 1 to ${NAME_LENGTH} characters, without spaces and without : @ , = /`,
  });
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > NAME_LENGTH) return `it has ${name.length} characters`;
  const [unfit] = UNFIT.exec(name) ?? [];
  return unfit === undefined ? undefined : `it has ${quote(unfit)}`;
}

function addedMembers(
  members: readonly DesignMember[],
  requests: readonly MemberRequest[],
  describe: Describe,
): DesignMember[] {
  const taken = new Set(members.map(({ name }) => name));
  return requests.map(request => {
    const name = requireName(memberName(request));
    if (taken.has(name))
      throw nameTaken(
        name,
        members.some(member => member.name === name),
      );
    taken.add(name);
    return newMember(name, request, describe(request));
  });
}

function nameTaken(name: string, runs: boolean): RootletError {
  return usageError('chain-member-taken', `there is a member ${quote(name)} already`, {
    subject: name,
    hint: runs
      ? '--name gives the new member another name; "replace" puts it in the place of the old one'
      : 'files of one base name need a name each: NAME=FILE',
  });
}

function newMember(name: string, request: MemberRequest, defaults: MemberDefaults): DesignMember {
  const { file, priority, continueOn, settings } = request;
  return {
    name,
    file: InputObject.from(file),
    ...defaults,
    priority: priority ?? defaults.priority,
    given: { priority: priority !== undefined, continueOn: continueOn !== undefined },
    settings: settings ?? NO_SETTINGS,
    loaded: null,
    adopted: null,
  };
}

// --- unload -------------------------------------------------------------------------------------------------------

function withoutMembers(
  members: readonly DesignMember[],
  going: readonly (string | number)[],
): DesignMember[] {
  const gone = new Set(going.map(one => requireMember(members, one).name));
  return members.filter(({ name }) => !gone.has(name));
}

/** A member by name, or by the id of its program. Throws `chain-no-member`. */
export function requireMember<T extends Pick<DesignMember, 'name' | 'loaded' | 'adopted'>>(
  members: readonly T[],
  wanted: string | number,
): T {
  const found = members.find(({ name, loaded, adopted }) =>
    typeof wanted === 'number' ? (loaded ?? adopted) === wanted : name === wanted,
  );
  if (found !== undefined) return found;
  const names = members.map(({ name }) => name);
  const known = names.length === 0 ? 'the chain has no members' : available('members', names);
  if (typeof wanted === 'number')
    throw usageError('chain-no-member', `there is no member with program id ${wanted}`, { hint: known });
  throw usageError('chain-no-member', `there is no member ${quote(wanted)}`, {
    subject: wanted,
    ...didYouMean(wanted, names, known),
  });
}

// --- replace ------------------------------------------------------------------------------------------------------

function replaced(
  members: readonly DesignMember[],
  name: string,
  request: MemberRequest,
  describe: Describe,
): DesignMember[] {
  const old = requireMember(members, name);
  return members.map(member => (member === old ? successor(old, request, describe) : member));
}

/** What the operator gave stays in force unless it is given again, settings one by one. */
function successor(old: DesignMember, request: MemberRequest, describe: Describe): DesignMember {
  const given = {
    priority: old.given.priority || request.priority !== undefined,
    continueOn: old.given.continueOn || request.continueOn !== undefined,
  };
  const defaults = describe(request);
  return {
    ...newMember(old.name, request, defaults),
    priority: request.priority ?? (old.given.priority ? old.priority : defaults.priority),
    continueOn:
      request.continueOn === undefined && old.given.continueOn ? old.continueOn : defaults.continueOn,
    given,
    settings: request.settings ?? old.settings,
  };
}

// --- order --------------------------------------------------------------------------------------------------------

const STEP = 10;

/** Priorities stay where they are in ascending order already; else they are numbered 10, 20, … */
function ordered(members: readonly DesignMember[], names: readonly string[]): DesignMember[] {
  const next = names.map(name => requireMember(members, name));
  const missing = members.filter(member => !next.includes(member)).map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw badOrder(`${quote(twice)} is named twice`, members);
  if (missing.length > 0) throw badOrder(`${missing.map(quote).join(', ')} is missing`, members);
  const already = next.every((member, at) => at === 0 || rises(next[at - 1], member));
  if (already) return next;
  return next.map((member, at) => ({
    ...member,
    priority: (at + 1) * STEP,
    given: { ...member.given, priority: true },
  }));
}

function rises(earlier: DesignMember | undefined, later: DesignMember): boolean {
  return earlier === undefined || byRunOrder(earlier, later) < 0;
}

function badOrder(what: string, members: readonly DesignMember[]): RootletError {
  const names = members.map(({ name }) => name);
  const found = problem('chain-order', [], `the order must name every member once: ${what}`, {
    hint: available('members', names),
  });
  return new RootletError([found]);
}

// --- set ----------------------------------------------------------------------------------------------------------

/** What is not declared has its default again. */
function declared(
  members: readonly DesignMember[],
  requests: readonly MemberRequest[],
  describe: Describe,
): DesignMember[] {
  const next = addedMembers([], requests, describe);
  return next.map(member => {
    const old = members.find(({ name }) => name === member.name);
    return old === undefined || old.file !== null || member.file !== null ? member : { ...old, ...member };
  });
}
