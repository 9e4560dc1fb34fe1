/**
 * Which component of the next generation is which of the running one: one to one, by name first.
 *
 * A component is named after its file up to the first dot, and keeps this name, with what belongs to it, in new versions,
 * in other slots, and whoever its neighbours are. Two components never become one, and one never becomes two.
 */

/** What fills slots: one file, possibly in several slots. */
export interface Candidate {
  /** File name as given. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly slots: readonly string[];
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
 * Base name of a component's file up to the first dot behind leading ones: what identifies it from version to version.
 * Different base names are different components, whatever characters they have.
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

const isGoing = (incumbent: Incumbent): boolean => incumbent.stays.length === 0;
const takesSlotOf: Rule = ({ slots }, incumbent) =>
  slots.some(slot => incumbent.slots.includes(slot) && !incumbent.stays.includes(slot));

const isUnchanged: Rule = (candidate, incumbent) => sameBytes(candidate.bytes, incumbent.bytes);

/** New versions: in this order, each for all candidates before the next. */
const RULES: readonly Rule[] = [
  (candidate, incumbent) =>
    candidate.file === incumbent.file && (isGoing(incumbent) || takesSlotOf(candidate, incumbent)),
  takesSlotOf,
  (_, incumbent) => isGoing(incumbent),
];

/**
 * Incumbent for each candidate, by position; undefined for a component that was not there. A component that is being
 * rolled from slot to slot has several incumbents, its versions: unchanged ones stay what they are, and one new version
 * can follow them.
 */
export function findHeirs(
  candidates: readonly Candidate[],
  incumbents: readonly Incumbent[],
): (Incumbent | undefined)[] {
  const named = (candidate: Candidate): Incumbent[] =>
    incumbents.filter(({ file }) => componentName(file) === componentName(candidate.file));
  const heirs = candidates.map(candidate => named(candidate).find(one => isUnchanged(candidate, one)));
  const claimed = new Set(heirs.flatMap(heir => heir?.component ?? []));
  for (const rule of RULES) {
    candidates.forEach((candidate, position) => {
      if (heirs[position] !== undefined) return;
      const found = named(candidate).find(one => !claimed.has(one.component) && rule(candidate, one));
      if (found === undefined) return;
      heirs[position] = found;
      claimed.add(found.component);
    });
  }
  return heirs;
}

/** `wanted`, or its first numbered form that is not taken: `firewall`, `firewall-2`, … */
export function freeComponentName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  return name;
}
