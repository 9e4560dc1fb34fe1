/** Differences between chains that run and declared ones, as lines with `+`, `-`, `~`, and as data. */

import {
  type AppliedChain,
  type ChainPlan,
  explainPlace,
  type FileFacts,
  type FixedBy,
  type MemberDifference,
  memberStates,
  type PlannedChain,
  type PlannedMember,
  titleOf,
} from '../../src/chain/index.ts';
import { counted, joinLines, type Lines, quote } from '../../src/diag/index.ts';
import type { Verdict } from '../../src/object/index.ts';
import { describeState } from '../../src/state/index.ts';
import { withoutCounters } from './chain-change.ts';
import { actionsOf } from './chain-table.ts';
import { settingText } from './inventory.ts';

/** The plan of one hook, with what happens to its state. */
export function formatPlan({ plan, change }: PlannedChain): Lines {
  return joinLines([headOf(plan), ...changeLines({ plan, change })]);
}

function changeLines({ plan, change }: Pick<PlannedChain, 'plan' | 'change'>): string[] {
  return [
    ...(plan.action === 'none' ? [] : chainLines(plan)),
    ...(plan.action === 'none' ? [] : plan.members.flatMap(member => memberLines(plan, member))),
    ...(change === null ? [] : describeState(withoutCounters(change.state)).map(line => `  ${line}`)),
  ];
}

const HEADS: Readonly<Record<ChainPlan['action'], string>> = {
  none: 'nothing to do',
  create: 'a chain is created',
  change: 'the chain is changed',
  remove: 'the chain is removed',
};

function headOf({ hook, action, members }: ChainPlan): string {
  const count = action === 'none' ? ` (${counted(members.length, 'member')})` : '';
  return `${titleOf(hook)}: ${HEADS[action]}${count}`;
}

function chainLines({ replaces, differences }: ChainPlan): string[] {
  const foreign = replaces === null ? [] : [`  - program ${replaces.id} (${replaces.name}), not a chain`];
  const lines = differences.map(({ what, from, to }) => {
    if (what === 'failClosed') return `  ~ members that are lost ${to ? 'drop' : 'pass'} packets`;
    if (what === 'counters') return `  ~ members are built ${to ? 'with' : 'without'} counters`;
    if (what === 'optimize') return `  ~ programs are built with ${to} instead of ${from}`;
    return from === null ? `  + ${what} ${to}` : `  ~ ${what} ${from} -> ${to}`;
  });
  return [...foreign, ...lines];
}

const SIGNS: Readonly<Record<PlannedMember['action'], string>> = {
  add: '+',
  remove: '-',
  change: '~',
  keep: ' ',
};

function memberLines(plan: ChainPlan, planned: PlannedMember): string[] {
  const { name, action, member, place, differences } = planned;
  const head = `  ${SIGNS[action]} ${name}`;
  if (place === null) return [head];
  const next = memberStates({
    failClosed: false,
    members: plan.members.flatMap(one => (one.place === null ? [] : [one.member])),
  });
  const order = explainPlace(next, place - 1);
  const what = action === 'add' ? `${member.file?.name ?? 'no file'}: ${member.program}; ` : '';
  const rules = action === 'add' ? `; continues on ${verdictWords(plan, member.continueOn)}` : '';
  return [
    `${head}: ${what}${order}${rules}`,
    ...differences.map(one => `      ${differenceText(plan, one)}`),
    ...(action === 'add' ? settingLines(planned) : []),
  ];
}

function settingLines({ member: { settings } }: PlannedMember): string[] {
  return [
    ...[...settings.globals].map(([name, value]) => `      ${name} = ${settingText(value)}`),
    ...[...settings.maxEntries].map(([name, count]) => `      max_entries of ${name} = ${count}`),
  ];
}

function differenceText(plan: ChainPlan, one: MemberDifference): string {
  switch (one.what) {
    case 'file':
      return `file ${fileText(one.from)} -> ${fileText(one.to)}`;
    case 'program':
      return `program ${one.from} -> ${one.to}`;
    case 'priority':
      return `priority ${changeText(String(one.from), String(one.to), one.fixed)}`;
    case 'continueOn':
      return `continues on ${changeText(verdictWords(plan, one.from), verdictWords(plan, one.to), one.fixed)}`;
    case 'variable':
      return `${one.name} ${valueText(one.from)} -> ${valueText(one.to)}`;
    case 'maxEntries':
      return `max_entries of ${one.name} ${valueText(one.from ?? undefined)} -> ${valueText(one.to ?? undefined)}`;
    case 'place':
      return `position ${one.from} -> ${one.to}`;
  }
}

/** A value may stay while what decides it changes. */
function changeText(from: string, to: string, { from: was, to: is }: FixedBy): string {
  const change = from === to ? to : `${from} -> ${to}`;
  if (was === is) return change;
  return is === 'operator' ? `${change} (declared, was that of the file)` : `${change} (that of the file)`;
}

function fileText(file: FileFacts | null): string {
  if (file === null) return 'none (loaded by another tool)';
  return `${quote(file.name)} (${counted(file.size, 'byte')}, sha256 ${file.sha256.slice(0, 12)})`;
}

function valueText(value: unknown): string {
  return value === undefined ? 'unset' : settingText(value);
}

function verdictWords({ hook }: Pick<ChainPlan, 'hook'>, verdicts: readonly Verdict[]): string {
  return actionsOf(hook.kind, verdicts) || 'no verdict';
}

// --- JSON ---------------------------------------------------------------------------------------------------------

/** The fields that docs/declared.md lists. */
export function planJson({ plan, change }: PlannedChain): Record<string, unknown> {
  const { hook, action, replaces, differences, members } = plan;
  return {
    hook: { ...hook },
    action,
    replaces,
    differences,
    members: members.map(planned => ({
      name: planned.name,
      action: planned.action,
      place: planned.place,
      file: planned.member.file?.name ?? null,
      program: planned.member.program,
      priority: planned.member.priority,
      continueOn: planned.member.continueOn,
      settings: {
        globals: Object.fromEntries(planned.member.settings.globals),
        maxEntries: Object.fromEntries(planned.member.settings.maxEntries),
      },
      differences: planned.differences.map(differenceJson),
    })),
    via: change?.via ?? null,
    state: change === null ? [] : change.state,
    notes: allNotes(change),
  };
}

/** JSON has no undefined. */
function differenceJson(one: MemberDifference): Record<string, unknown> {
  return one.what === 'variable' ? { ...one, from: one.from ?? null, to: one.to ?? null } : { ...one };
}

// --- after the fact -----------------------------------------------------------------------------------------------

const DONE: Readonly<Record<ChainPlan['action'], string>> = {
  none: 'nothing to do',
  create: 'chain created',
  change: 'chain changed',
  remove: 'chain removed',
};

/** What became of one hook. */
export function formatApplied(applied: AppliedChain): Lines {
  const { plan, outcome, change } = applied;
  if (outcome === 'failed') return joinLines([`${titleOf(plan.hook)}: not changed`]);
  if (plan.action === 'none') return formatPlan(applied);
  const how = change === null || change.via === null ? '' : ` (${change.via}: ${change.reason})`;
  return joinLines([`${titleOf(plan.hook)}: ${DONE[plan.action]}${how}`, ...changeLines(applied)]);
}

/** Notes of everything that there is. */
export function allNotes(
  ...parts: readonly ({ readonly notes: readonly string[] } | null)[]
): readonly string[] {
  return parts.flatMap(part => (part === null ? [] : part.notes));
}
