/**
 * What is left of chains: entries of the store and pins of libxdp whose program is attached nowhere.
 *
 * The numbers in names and records do not identify an interface: another network namespace has the same ones, and
 * they are used again. So a program counts as attached if it is found on any interface of any namespace, and where
 * something could not be looked at, nothing is decided. Pure: what is looked at is gathered before.
 */

import { quote } from '../../diag/index.ts';
import type { AttachedProgram, Survey } from '../../kernel/index.ts';
import { fieldsOf, type StoreEntry, textOf } from '../../store/index.ts';
import type { PinnedDispatcher } from '../libxdp/index.ts';

/** What is known when the question is asked. */
export interface Circumstances {
  readonly survey: Survey;
  readonly dispatchers: readonly PinnedDispatcher[];
  /** Ids of programs that exist; null where they are not visible (no CAP_SYS_ADMIN). */
  readonly programs: ReadonlySet<number> | null;
  /** Processes that hold a program or link, by `program 5` or `link 5`. */
  readonly holders: ReadonlyMap<string, string>;
}

export type Judgement =
  | { readonly kind: 'live'; readonly at: AttachedProgram | null }
  /** One sentence: why it does nothing any more. */
  | { readonly kind: 'stale'; readonly reason: string }
  /** One sentence: what is not known. */
  | { readonly kind: 'undecided'; readonly reason: string };

/** Where a program is attached; the first place of several. */
export function placeOf({ attached }: Survey, ids: ReadonlySet<number>): AttachedProgram | undefined {
  return attached.find(({ programId }) => ids.has(programId));
}

// --- pins of libxdp -----------------------------------------------------------------------------------------------

/** Whether the dispatcher of a directory, or one that its links belong to, is attached. */
export function judgeDispatcher(dispatcher: PinnedDispatcher, known: Circumstances): Judgement {
  const { programId, slots } = dispatcher;
  const targets = slots.flatMap(({ link }) => link?.targetId ?? []);
  const at = placeOf(known.survey, new Set([programId, ...targets]));
  if (at !== undefined) return { kind: 'live', at };
  const { programs } = known;
  if (programs === null)
    return {
      kind: 'undecided',
      reason: `whether something holds its dispatcher, program ${programId}, is not visible without CAP_SYS_ADMIN`,
    };
  if (!programs.has(programId) && !targets.some(id => programs.has(id)))
    return { kind: 'stale', reason: `its dispatcher, program ${programId}, is gone` };
  const ids = [
    `program ${programId}`,
    ...slots.flatMap(({ link }) => (link === null ? [] : `link ${link.id}`)),
  ];
  const holder = ids.map(id => known.holders.get(id)).find(found => found !== undefined);
  if (holder !== undefined)
    return {
      kind: 'undecided',
      reason: `${holder} holds its dispatcher or a link, and may be about to attach it`,
    };
  return absent(known.survey, `its dispatcher, program ${programId}, is attached to no interface`);
}

/** Attached nowhere that was looked at. */
function absent({ gaps }: Survey, reason: string): Judgement {
  const [gap] = gaps;
  return gap === undefined
    ? { kind: 'stale', reason }
    : { kind: 'undecided', reason: `${reason}, but ${gap}` };
}

// --- entries ------------------------------------------------------------------------------------------------------

/** Whether a chain of the store is attached, or goes on in a dispatcher of another tool. */
export function judgeEntry(entry: StoreEntry, known: Circumstances): Judgement {
  const ids = new Set(entry.record.programs.map(({ id }) => id));
  const at = placeOf(known.survey, ids);
  if (at !== undefined) return { kind: 'live', at };
  const heir = known.dispatchers.find(dispatcher => continues(dispatcher, ids, known.survey));
  if (heir !== undefined)
    return { kind: 'live', at: placeOf(known.survey, new Set([heir.programId])) ?? null };
  return judgePlace(entry, known);
}

function continues(
  { programId, slots }: PinnedDispatcher,
  ids: ReadonlySet<number>,
  survey: Survey,
): boolean {
  const isMember = slots.some(({ programId: member }) => member !== null && ids.has(member));
  return isMember && placeOf(survey, new Set([programId])) !== undefined;
}

interface RecordedPlace {
  readonly name: string;
  readonly ifindex: number;
  readonly netns: string;
}

/** Undefined for records without a place: those of hooks with a link. */
export function recordedPlace({ record }: StoreEntry): RecordedPlace | undefined {
  const { xdp, filter } = record.data;
  const { interface: name, ifindex, netns } = fieldsOf(xdp ?? filter);
  return typeof ifindex === 'number' ? { name: textOf(name), ifindex, netns: textOf(netns) } : undefined;
}

function judgePlace(entry: StoreEntry, { survey }: Circumstances): Judgement {
  const place = recordedPlace(entry);
  if (place === undefined) return { kind: 'undecided', reason: 'its record does not contain its interface' };
  const { name, ifindex, netns } = place;
  if (!survey.seen.has(netns)) return absent(survey, `network namespace ${netns} is gone`);
  const there = survey.interfaces.find(one => one.netns.name === netns && one.facts.index === ifindex);
  if (there === undefined) return absent(survey, `interface ${quote(name)} is gone`);
  if (there.facts.name !== name)
    return absent(
      survey,
      `interface ${ifindex} is ${quote(there.facts.name)} now, and its program is not there`,
    );
  // the interface is where it was: no other place has to be looked at
  const hook = entry.record.data['xdp'] === undefined ? 'tc' : 'xdp';
  const others = survey.attached.filter(
    one => one.netns.name === netns && one.ifindex === ifindex && one.hook === hook,
  );
  const [other] = others;
  const end =
    other === undefined || hook === 'tc' ? 'was detached' : `was replaced by program ${other.programId}`;
  return { kind: 'stale', reason: `its program ${end} on interface ${quote(name)}` };
}
