/** What differs between a member that an entry keeps and the one that a design has in its place. */

import { bugError, quote, usageError } from '../../diag/index.ts';
import { changedSettings, isSameValue, OBJECT_FILE } from '../../dynamic/index.ts';
import { isSameOptimizeSetting, OPTIMIZED, type OptimizeSetting } from '../../load/index.ts';
import type { InputObject } from '../../object/index.ts';
import { mapNames, type Settings, sameBytes, settingsFor, variableNames } from '../../state/index.ts';
import { type ChainDesign, type DesignMember, isSameSettings } from '../model/index.ts';
import type { TcxContext } from './context.ts';
import type { TcxMember } from './hook.ts';
import { verdictsOf } from './member-object.ts';
import type { WantedMember } from './plan.ts';
import { optimizeOf, settingsOf } from './read.ts';

/** A member of a design that can be loaded. */
export type LoadableMember = DesignMember & { readonly file: InputObject };

/** Members of other tools are in no design of a tcx hook. */
export function loadable(member: DesignMember): LoadableMember {
  const { file, name } = member;
  if (file === null) throw bugError([name], 'a member without a file in a tcx chain');
  return { ...member, file };
}

/** A member, and how its chain is built. */
export interface WantedCode {
  readonly member: LoadableMember;
  readonly counters: boolean;
  readonly optimize: OptimizeSetting;
}

/** What differs. `fresh`: names that begin with new contents, which is a difference of its own. */
export function differenceOf(
  { store }: TcxContext,
  old: TcxMember,
  { member: next, counters, optimize }: WantedCode,
  fresh: readonly string[],
): WantedMember['differs'] {
  const bytes = store.files(old.entry).get(OBJECT_FILE);
  const isSameCode =
    bytes !== undefined &&
    sameBytes(bytes, next.file.bytes) &&
    old.program === next.program &&
    old.facts.counters === counters &&
    isSameOptimizeSetting(optimizeOf(old.entry) ?? OPTIMIZED, optimize) &&
    isSameValue(old.facts.continueOn, verdictsOf(next)) &&
    isSameSettings(settingsOf(old.entry), next.settings);
  if (!isSameCode || fresh.length > 0) return 'code';
  const isSameRecord =
    old.facts.priority === next.priority &&
    isSameValue({ ...old.facts.given }, { ...next.given }) &&
    old.entry.record.source === next.file.name;
  return isSameRecord ? 'nothing' : 'record';
}

/** Those of `next` that are not in force: values in maps that continue are written only when they are given. */
export function newSettings(before: Settings, next: Settings): Settings {
  const changed = changedSettings(new Map([['', before]]), new Map([['', next]]));
  return settingsFor(changed, '');
}

// --- new contents -------------------------------------------------------------------------------------------------

/**
 * Which names are meant for which member: `MEMBER` and `MEMBER:NAME` for one, `NAME` for those that have it, `*`
 * for all. Throws `chain-no-member` for a name that none has.
 */
export function freshNames(
  { members }: ChainDesign,
  names: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const found = members.map(member => [member.name, names.flatMap(name => meantFor(member, name))] as const);
  const unknown = names.find(name => members.every(member => meantFor(member, name).length === 0));
  if (unknown !== undefined)
    throw usageError('chain-no-member', `nothing in the chain is named ${quote(unknown)}`, {
      subject: unknown,
      hint: '--fresh takes a member, MEMBER:NAME, or the name of a map, section or variable',
    });
  return new Map(found);
}

function meantFor({ name, file }: DesignMember, wanted: string): string[] {
  if (wanted === '*' || wanted === name) return ['*'];
  if (wanted.startsWith(`${name}:`)) return [wanted.slice(name.length + 1)];
  if (file === null) return [];
  const { object } = file;
  const has = mapNames(object).has(wanted) || variableNames(object).has(wanted);
  return has || object.sections.some(section => section.name === wanted) ? [wanted] : [];
}
