/**
 * Which component of the next generation is which of the running one: one to one, among those of one base
 * name by path, then by slot, then by contents.
 *
 * A component is named after its file up to the first dot, and keeps this name, with what belongs to it, in
 * new versions, in other slots, and whatever is plugged in beside it. Two components never become one, and
 * one never becomes two; files of one name from two directories are two components, even where their contents
 * are equal.
 */

import { normalize } from 'node:path';
import { given } from '../bytes/index.ts';

/** What fills slots: one file, possibly in several slots. */
export interface Candidate {
  /** File name as given. */
  readonly file: string;
  /** Where it is, absolute. Default: `file`. */
  readonly path?: string;
  readonly bytes: Uint8Array;
  readonly slots: readonly string[];
  /** Component whose new version it is, where it is one of several. */
  readonly of?: string;
}

/** A component of the running generation. */
export interface Incumbent extends Candidate {
  /** Its name. */
  readonly component: string;
  /** Set for an outgoing version of a component that has a newer one in another slot. */
  readonly version?: number;
  /** Slots that the change leaves to it. */
  readonly stays: readonly string[];
}

/** Characters with a meaning in keys and on the command line, and those that no terminal shows. */
const SPECIAL = /[%:@,=\s\p{C}]/gu;

/**
 * Base name of a component's file up to the first dot after leading ones: what identifies it from version to
 * version. Different base names are different components, whatever characters they have.
 */
export function componentName(file: string): string {
  const base = file.slice(file.lastIndexOf('/') + 1);
  const [name = ''] = /^\.*[^.]*/.exec(base) ?? [];
  return name.replace(SPECIAL, encodeURIComponent) || 'component';
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]));
}

type Rule = (candidate: Candidate, incumbent: Incumbent) => boolean;

const isGoing: Rule = (_, { stays }) => stays.length === 0;
const takesSlotOf: Rule = ({ slots }, { slots: held, stays }) =>
  slots.some(slot => held.includes(slot) && !stays.includes(slot));
const samePath: Rule = (candidate, incumbent) => pathOf(candidate) === pathOf(incumbent);
const isUnchanged: Rule = (candidate, incumbent) => sameBytes(candidate.bytes, incumbent.bytes);

const makesRoom: Rule = (one, other) => isGoing(one, other) || takesSlotOf(one, other);

/** Of one base name; in this order, each for all candidates before the next. */
const RULES: readonly Rule[] = [
  ({ of }, { component }) => of === component,
  (one, other) => samePath(one, other) && isUnchanged(one, other) && makesRoom(one, other),
  (one, other) => samePath(one, other) && makesRoom(one, other),
  takesSlotOf,
  (one, other) => isUnchanged(one, other) && isGoing(one, other),
  (one, other) => isUnchanged(one, other) && samePath(one, other),
  isGoing,
];

function pathOf({ file, path = file }: Pick<Candidate, 'file' | 'path'>): string {
  return normalize(path);
}

function isSameFile(a: Candidate, b: Candidate): boolean {
  return pathOf(a) === pathOf(b) && sameBytes(a.bytes, b.bytes);
}

function isNamesake(a: { readonly file: string }, b: { readonly file: string }): boolean {
  return componentName(a.file) === componentName(b.file);
}

/** What is given for one slot. */
interface Given {
  readonly slot: string;
  readonly file: { readonly name: string; readonly path?: string; readonly bytes: Uint8Array };
}

/**
 * What is given for slots, each file once with all of its slots. A file that takes the slots of several
 * components of its base name is a new version of each of them, unless another one of them is given too.
 */
export function candidatesOf(assigned: readonly Given[], incumbents: readonly Incumbent[]): Candidate[] {
  const files = new Map<string, Given[]>();
  const one = ({ file: { name, path, bytes }, slot }: Given): Candidate => {
    return { file: name, ...given({ path }), bytes, slots: [slot] };
  };
  const isGiven = (incumbent: Incumbent): boolean => assigned.some(other => samePath(one(other), incumbent));
  for (const next of assigned) {
    const known = [...files.values()].find(
      ([first]) => first !== undefined && isSameFile(one(first), one(next)),
    );
    if (known === undefined) files.set(`${files.size}`, [next]);
    else known.push(next);
  }
  const ownerOf = (next: Given): string | undefined => {
    const holder = incumbents.find(other => isNamesake(one(next), other) && takesSlotOf(one(next), other));
    if (holder === undefined) return;
    return samePath(one(next), holder) || !isGiven(holder) ? holder.component : undefined;
  };
  return [...files.values()].flatMap(own =>
    splitByOwner(own.map(next => ({ ...one(next), of: ownerOf(next) }))),
  );
}

type Owned = Omit<Candidate, 'of'> & { readonly of: string | undefined };

/** One candidate per owner, where there are several; slots without one go to the first. */
function splitByOwner(own: readonly Owned[]): Candidate[] {
  const owners = [...new Set(own.map(({ of }) => of).filter(of => of !== undefined))];
  const [first] = own;
  if (first === undefined) return [];
  const { slots: _slots, of: _of, ...file } = first;
  if (owners.length < 2) return [{ ...file, slots: own.flatMap(({ slots }) => slots) }];
  return owners.map((owner, at) => ({
    ...file,
    slots: own.flatMap(({ of, slots }) => (of === owner || (of === undefined && at === 0) ? slots : [])),
    of: owner,
  }));
}

/**
 * Incumbent for each candidate, by position; undefined for a component that was not there. A component that
 * is being rolled from slot to slot has several incumbents, its versions: a candidate with the contents of
 * one of them is this version, and one candidate with other contents is the component's next version.
 */
export function findHeirs(
  candidates: readonly Candidate[],
  incumbents: readonly Incumbent[],
): (Incumbent | undefined)[] {
  const heirs: (Incumbent | undefined)[] = candidates.map(() => undefined);
  const found = new Map<string, Match[]>();
  const isFree = (candidate: Candidate, heir: Incumbent): boolean =>
    (found.get(heir.component) ?? []).every(other => areVersions({ candidate, heir }, other));
  /** The version of the component that the candidate is, or which it follows. */
  const versionFor = (candidate: Candidate, { component }: Incumbent): Incumbent | undefined =>
    incumbents.find(one => one.component === component && isUnchanged(candidate, one));
  for (const rule of RULES) {
    candidates.forEach((candidate, position) => {
      if (heirs[position] !== undefined) return;
      const possible = incumbents
        .filter(one => isNamesake(candidate, one) && rule(candidate, one))
        .map(one => versionFor(candidate, one) ?? one)
        .filter(one => isFree(candidate, one));
      const heir = possible.find(({ component }) => !found.has(component)) ?? possible[0];
      if (heir === undefined) return;
      heirs[position] = heir;
      found.set(heir.component, [...(found.get(heir.component) ?? []), { candidate, heir }]);
    });
  }
  return heirs;
}

interface Match {
  readonly candidate: Candidate;
  readonly heir: Incumbent;
}

/** If both can be versions of one component at a time: at least one of them stays the version that it was. */
function areVersions(a: Match, b: Match): boolean {
  const stays = ({ candidate, heir }: Match): boolean =>
    isUnchanged(candidate, heir) && samePath(candidate, heir);
  if (stays(a) && stays(b)) return a.heir !== b.heir;
  return stays(a) || stays(b);
}

/** `wanted`, or its first numbered form that is not taken: `firewall`, `firewall-2`, … */
export function freeComponentName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  return name;
}
