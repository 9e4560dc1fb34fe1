/** A tcx hook as the state and the design of a chain. Programs of other tools are shown, and are in no design. */

import { given } from '../../bytes/index.ts';
import { type Problem, problem, shellWord } from '../../diag/index.ts';
import { inputOf } from '../../dynamic/index.ts';
import type { OptimizeSetting } from '../../load/index.ts';
import { DEFAULT_PRIORITY } from '../../object/index.ts';
import {
  decodeEntryState,
  freeComponentName,
  NO_SETTINGS,
  type Settings,
  settingsFor,
} from '../../state/index.ts';
import { TC_ACT_UNSPEC } from '../../uapi/index.ts';
import { isHidden, programFacts } from '../facts/index.ts';
import type { ChainDesign, ChainHook, ChainState, DesignMember, MemberState } from '../model/index.ts';
import type { TcxContext } from './context.ts';
import { readTcxHook, type TcxHook, type TcxMember, type TcxRow } from './hook.ts';

/** What is on a hook, for commands and for the next change. */
export interface RunningTcx {
  readonly state: ChainState;
  /** The members of this store, those that are lost included. */
  readonly design: ChainDesign;
}

/** Changes nothing. Throws `chain-back-end` where the kernel has no tcx, `attach-other-netns`, `relink-record`. */
export function readTcx(context: TcxContext, hook: ChainHook): RunningTcx {
  const found = readTcxHook(context, hook);
  const own = ownMembers(found);
  const rows = found.rows.map(row => memberState(context, found, row));
  const lost = found.lost.map(member => lostState(member));
  const members = withUniqueNames([...rows, ...lost]);
  const kind = own.length > 0 ? 'chain' : rows.length > 0 ? 'foreign' : 'none';
  const state: ChainState = {
    hook,
    kind,
    via: kind === 'chain' ? 'tcx' : null,
    version: null,
    mode: null,
    program: null,
    members,
    failClosed: false,
    entry: null,
    problems: found.lost.map(lostProblem),
  };
  const [first] = own;
  const optimize = first === undefined ? undefined : optimizeOf(first.entry);
  const design = { members: own.map(member => designOf(context, member)), failClosed: false };
  return {
    state,
    design: own.length === 0 ? design : { ...design, counters: isCounted(own), ...given({ optimize }) },
  };
}

/** In the order in which they run; lost ones after the last member whose priority is not higher. */
function ownMembers({ rows, lost }: TcxHook): TcxMember[] {
  const own = rows.flatMap(({ member }) => member ?? []);
  for (const member of lost) {
    const at = own.findLastIndex(({ facts }) => facts.priority <= member.facts.priority);
    own.splice(at + 1, 0, member);
  }
  return own;
}

/** A change that ended in the middle left members of both kinds; the next one completes what has counters. */
function isCounted(own: readonly TcxMember[]): boolean {
  return own.some(({ facts }) => facts.counters);
}

function designOf({ store }: TcxContext, { entry, facts, program }: TcxMember): DesignMember {
  const { name, priority, continueOn, given } = facts;
  const loaded = entry.record.programs.find(one => one.name === program)?.id ?? null;
  const file = inputOf(store, entry);
  return {
    name,
    file,
    program,
    priority,
    continueOn,
    given,
    settings: settingsOf(entry),
    loaded,
    adopted: null,
  };
}

/** How a member is optimized, where that was given. */
export function optimizeOf({ record }: TcxMember['entry']): OptimizeSetting | undefined {
  return decodeEntryState(record.data).optimize;
}

/** Those in force. */
export function settingsOf({ record }: TcxMember['entry']): Settings {
  return settingsFor(decodeEntryState(record.data).settings, '');
}

// --- rows ---------------------------------------------------------------------------------------------------------

function memberState({ sys }: TcxContext, hook: TcxHook, row: TcxRow): MemberState {
  const loaded = programFacts(sys, row.programId) ?? null;
  const { member } = row;
  if (member === null) return foreignState(hook, row, loaded);
  const full = loaded === null ? null : { ...loaded, name: member.program };
  return { ...ownState(member), loaded: full, lost: null };
}

function ownState({ entry, facts, program }: TcxMember): MemberState {
  const { name, priority, continueOn } = facts;
  const file = entry.record.source;
  return { name, program, file, priority, continueOn, settings: settingsOf(entry), loaded: null, lost: null };
}

/** It has no priority: the one shown is that of the member before it, so that the list is in order. */
function foreignState({ rows }: TcxHook, row: TcxRow, loaded: MemberState['loaded']): MemberState {
  const name = loaded === null || isHidden(loaded) ? `program ${row.programId}` : loaded.name;
  const before = rows.slice(0, rows.indexOf(row)).findLast(({ member }) => member !== null);
  const near = before ?? rows.find(({ member }) => member !== null);
  return {
    name,
    program: name,
    file: null,
    foreign: true,
    priority: near?.member?.facts.priority ?? DEFAULT_PRIORITY,
    continueOn: [TC_ACT_UNSPEC],
    settings: NO_SETTINGS,
    loaded,
    lost: null,
  };
}

const ENDED = 'its link has ended: it was detached, or its interface was removed or moved';

function lostState(member: TcxMember): MemberState {
  return { ...ownState(member), lost: ENDED };
}

function lostProblem({ facts, entry }: TcxMember): Problem {
  return problem('attach-gone', [`member "${facts.name}"`], `it does not run: ${ENDED}`, {
    hint: `the next change of the chain attaches it again; "rootlet detach ${shellWord(entry.name)}" removes it`,
  });
}

/** Programs of other tools may have the name of a member, or of each other. */
function withUniqueNames(members: readonly MemberState[]): MemberState[] {
  const taken = new Set(members.filter(({ foreign }) => foreign !== true).map(({ name }) => name));
  return members.map(member => {
    if (member.foreign !== true) return member;
    const name = freeComponentName(member.name, taken);
    taken.add(name);
    return { ...member, name };
  });
}
