/**
 * The difference between the chain that runs and the declared one, as data. Pure: whether something is pending
 * is decided by the same comparison that decides whether a change has something to do.
 */

import { createHash } from 'node:crypto';
import { isSameValue } from '../../dynamic/index.ts';
import type { XdpMode } from '../../kernel/index.ts';
import { describeOptimizeSetting } from '../../load/index.ts';
import type { InputObject, Verdict } from '../../object/index.ts';
import type { Settings } from '../../state/index.ts';
import {
  type ChainBackEnd,
  type ChainDesign,
  type ChainHook,
  type ChainState,
  type DesignMember,
  hasCounters,
  isSameCode,
  isSameDesign,
  optimizationOf,
} from '../model/index.ts';
import { movedNames } from './moved.ts';

/** An object file, to tell versions apart. */
export interface FileFacts {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** What the operator fixes; else the file decides, also its next version. */
export interface FixedBy {
  readonly from: 'file' | 'operator';
  readonly to: 'file' | 'operator';
}

/** One thing about a member that differs. Null: there is none. */
export type MemberDifference =
  | { readonly what: 'file'; readonly from: FileFacts | null; readonly to: FileFacts | null }
  | { readonly what: 'program'; readonly from: string; readonly to: string }
  | { readonly what: 'priority'; readonly from: number; readonly to: number; readonly fixed: FixedBy }
  | {
      readonly what: 'continueOn';
      readonly from: readonly Verdict[];
      readonly to: readonly Verdict[];
      readonly fixed: FixedBy;
    }
  /** Undefined: the value of the file. */
  | { readonly what: 'variable'; readonly name: string; readonly from: unknown; readonly to: unknown }
  | {
      readonly what: 'maxEntries';
      readonly name: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  /** Positions from 1. A member is moved when it passes another one that stays. */
  | { readonly what: 'place'; readonly from: number; readonly to: number };

/** A member of either chain. */
export interface PlannedMember {
  readonly name: string;
  readonly action: 'add' | 'remove' | 'change' | 'keep';
  /** As it is to be; as it is for one that is removed. */
  readonly member: DesignMember;
  /** Position from 1; null for one that is removed. */
  readonly place: number | null;
  /** Of an action `change`. */
  readonly differences: readonly MemberDifference[];
}

/** One thing about the chain itself that differs. */
export type ChainDifference =
  | { readonly what: 'via'; readonly from: ChainBackEnd | null; readonly to: ChainBackEnd }
  | { readonly what: 'mode'; readonly from: XdpMode | null; readonly to: XdpMode }
  | { readonly what: 'failClosed' | 'counters'; readonly from: boolean; readonly to: boolean }
  /** As options of a command: `-O0`. */
  | { readonly what: 'optimize'; readonly from: string; readonly to: string };

/** What is to change on one hook. */
export interface ChainPlan {
  readonly hook: ChainHook;
  /** `remove`: no members are declared, and a chain runs. */
  readonly action: 'none' | 'create' | 'change' | 'remove';
  /** Something else on the hook, which the chain takes the place of. */
  readonly replaces: ChainState['program'];
  readonly differences: readonly ChainDifference[];
  /** In the order in which they are to run, then those that are removed. */
  readonly members: readonly PlannedMember[];
}

/** What a document asks of the chain as a whole. */
export interface DeclaredPolicy {
  readonly mode?: XdpMode;
  readonly via?: ChainBackEnd;
}

/** Compares what runs (`state`, `running`) with what is declared (`next`, `policy`). */
export function planDeclared(
  state: ChainState,
  running: ChainDesign,
  next: ChainDesign,
  policy: DeclaredPolicy,
): ChainPlan {
  const isEmpty = next.members.length === 0;
  const members = plannedMembers(running, next);
  const differences = isEmpty ? [] : chainDifferences(state, running, next, policy);
  const isSame = isSameDesign(running, isEmpty ? { ...running, members: [] } : next);
  const pending = !isSame || differences.length > 0 || (!isEmpty && state.kind !== 'chain');
  const action = state.kind === 'chain' ? (isEmpty ? 'remove' : 'change') : 'create';
  return {
    hook: state.hook,
    action: pending ? action : 'none',
    replaces: pending && state.kind === 'foreign' ? state.program : null,
    differences,
    members,
  };
}

function chainDifferences(
  state: ChainState,
  running: ChainDesign,
  next: ChainDesign,
  { mode, via }: DeclaredPolicy,
): ChainDifference[] {
  const found: ChainDifference[] = [];
  if (via !== undefined && via !== state.via) found.push({ what: 'via', from: state.via, to: via });
  if (mode !== undefined && mode !== state.mode) found.push({ what: 'mode', from: state.mode, to: mode });
  if (running.failClosed !== next.failClosed)
    found.push({ what: 'failClosed', from: running.failClosed, to: next.failClosed });
  const [from, to] = [hasCounters(running), hasCounters(next)];
  if (state.kind === 'chain' && from !== to) found.push({ what: 'counters', from, to });
  const [was, is] = [running, next].map(design => describeOptimizeSetting(optimizationOf(design)));
  if (state.kind === 'chain' && was !== undefined && is !== undefined && was !== is)
    found.push({ what: 'optimize', from: was, to: is });
  return found;
}

// --- members ------------------------------------------------------------------------------------------------------

function plannedMembers(running: ChainDesign, next: ChainDesign): PlannedMember[] {
  const old = new Map(running.members.map(member => [member.name, member]));
  const kept = new Set(next.members.map(({ name }) => name));
  const moved = movedNames(
    running.members.map(({ name }) => name),
    next.members.map(({ name }) => name),
  );
  const placed = next.members.map((member, at): PlannedMember => {
    const { name } = member;
    const was = old.get(name);
    const base = { name, member, place: at + 1 };
    if (was === undefined) return { ...base, action: 'add', differences: [] };
    const from = running.members.indexOf(was) + 1;
    const place = moved.has(name) ? [{ what: 'place', from, to: at + 1 } as const] : [];
    const differences = [...memberDifferences(was, member), ...place];
    return { ...base, action: differences.length > 0 ? 'change' : 'keep', differences };
  });
  const removed = running.members
    .filter(({ name }) => !kept.has(name))
    .map(
      (member): PlannedMember => ({
        name: member.name,
        action: 'remove',
        member,
        place: null,
        differences: [],
      }),
    );
  return [...placed, ...removed];
}

function memberDifferences(was: DesignMember, is: DesignMember): MemberDifference[] {
  const found: MemberDifference[] = [];
  if (!isSameCode(was, is)) found.push({ what: 'file', from: factsOf(was.file), to: factsOf(is.file) });
  if (was.program !== is.program) found.push({ what: 'program', from: was.program, to: is.program });
  if (was.priority !== is.priority || was.given.priority !== is.given.priority)
    found.push({
      what: 'priority',
      from: was.priority,
      to: is.priority,
      fixed: fixedBy(was, is, 'priority'),
    });
  if (!isSameValue(was.continueOn, is.continueOn) || was.given.continueOn !== is.given.continueOn) {
    const fixed = fixedBy(was, is, 'continueOn');
    found.push({ what: 'continueOn', from: was.continueOn, to: is.continueOn, fixed });
  }
  return [...found, ...settingDifferences(was.settings, is.settings)];
}

function fixedBy(was: DesignMember, is: DesignMember, what: keyof DesignMember['given']): FixedBy {
  const by = ({ given }: DesignMember) => (given[what] ? 'operator' : 'file');
  return { from: by(was), to: by(is) };
}

function factsOf(file: InputObject | null): FileFacts | null {
  if (file === null) return null;
  const sha256 = createHash('sha256').update(file.bytes).digest('hex');
  return { name: file.name, size: file.bytes.length, sha256 };
}

/** What is not declared is unset. */
function settingDifferences(was: Settings, is: Settings): MemberDifference[] {
  const variables = namesOf(was.globals, is.globals).flatMap((name): MemberDifference[] => {
    const [from, to] = [was.globals.get(name), is.globals.get(name)];
    return isSameValue(from, to) ? [] : [{ what: 'variable', name, from, to }];
  });
  const sizes = namesOf(was.maxEntries, is.maxEntries).flatMap((name): MemberDifference[] => {
    const [from, to] = [was.maxEntries.get(name) ?? null, is.maxEntries.get(name) ?? null];
    return from === to ? [] : [{ what: 'maxEntries', name, from, to }];
  });
  return [...variables, ...sizes];
}

function namesOf(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort();
}
