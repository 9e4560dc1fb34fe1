/** What a change of a chain did, or would do, as text and as data. */

import {
  type ChainBackEnd,
  type ChainHook,
  type ChainState,
  explainPlace,
  ordinal,
} from '../../src/chain/index.ts';
import { counted, joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import { isWatchMap, type OptimizeReport } from '../../src/link/index.ts';
import { describeState, type StateChange } from '../../src/state/index.ts';
import { chainJson } from './chain-json.ts';
import { actionsOf, chainFacts, modeWord } from './chain-table.ts';
import { formatOutlook } from './optimization.ts';
import { settingsLines } from './replaced.ts';
import { table } from './table.ts';

/** What is reported of a change. */
export interface ChangeReport {
  readonly before: ChainState;
  readonly after: ChainState;
  /** Null where there is no chain. */
  readonly via: ChainBackEnd | null;
  /** Why this back end. */
  readonly reason: string;
  /** False where there was nothing to do. */
  readonly changed: boolean;
  readonly state: readonly StateChange[];
  /** Settings that no member has any more. */
  readonly droppedSettings: readonly string[];
  readonly notes: readonly string[];
  /** What the optimizer did, or would do at first; null where it does nothing. */
  readonly optimization: OptimizeReport | null;
}

export interface ChangeStyle {
  /** What was asked for: `loaded firewall on eth0`, `would load firewall on eth0`. */
  readonly asked: readonly [done: string, planned: string];
  readonly dryRun: boolean;
  /** New maps and constants too. */
  readonly all: boolean;
  /** Maps of counters too. */
  readonly counters: boolean;
  /** Member that has a new version. */
  readonly replaced?: string;
}

/** Notes are not in it: they are diagnostics. */
export function formatChange(report: ChangeReport, style: ChangeStyle): Lines {
  const { after, state, droppedSettings, optimization } = report;
  return joinBlocks([
    line(headOf(report, style)),
    ...(after.members.length === 0 ? [] : [memberRows(report, style)]),
    ...(style.dryRun && optimization !== null ? formatOutlook(optimization) : []),
    ...describeState(style.counters ? state : withoutCounters(state), style.all).map(line),
    ...settingsLines(new Map(after.members.map(({ name, settings }) => [name, settings]))),
    ...droppedSettings.map(one => line(`setting dropped: ${one}`)),
  ]);
}

/** Without maps of counters: they are of interest only where a member that stays loses what it has counted. */
export function withoutCounters(state: readonly StateChange[]): readonly StateChange[] {
  return state.filter(({ map, kind }) => !isWatchMap(map) || !UNREMARKABLE.has(kind));
}

const UNREMARKABLE: ReadonlySet<StateChange['kind']> = new Set(['reuse', 'dropped', 'new']);

function headOf(report: ChangeReport, { asked, dryRun }: ChangeStyle): string {
  const { after, changed } = report;
  if (!changed) return `nothing to change: ${placeOf(after.hook)} has ${sizeOf(after)}`;
  const did = asked[dryRun ? 1 : 0];
  if (after.kind === 'chain') return `${did} (${howOf(report)})${recordOf(after)}`;
  return `${did}; ${dryRun ? 'no program would be attached' : 'no program is attached'} any more`;
}

/** `native mode, static: freplace is refused by this kernel`. */
function howOf({ after, via, reason }: ChangeReport): string {
  const mode = after.mode === null ? [] : [`${modeWord(after.mode)} mode`];
  const backEnd = reason === '' ? [via] : [`${via}: ${reason}`];
  return [...mode, ...backEnd].join(', ');
}

/** `, entry xdp-eth0, fails closed`. */
function recordOf(chain: ChainState): string {
  return chainFacts(chain)
    .map(fact => `, ${fact}`)
    .join('');
}

function sizeOf({ kind, members }: ChainState): string {
  return kind === 'chain' ? `a chain of ${counted(members.length, 'member')}` : 'no chain';
}

/** `eth0`, `eth0 ingress`. */
export function placeOf({ interface: name, direction }: ChainHook): string {
  return direction === null ? name : `${name} ${direction}`;
}

function memberRows(report: ChangeReport, { replaced }: ChangeStyle): Lines {
  const { after, changed } = report;
  const rows = after.members.map((member, at) => [
    member.name,
    explainPlace(after.members, at),
    `continues on ${actionsOf(after.hook.kind, member.continueOn) || 'no verdict'}`,
    member.file ?? '(loaded by another tool)',
    [
      ...whatChanged(report, member.name),
      ...(changed && member.name === replaced ? ['new version'] : []),
    ].join(', '),
  ]);
  return table(rows, '  ');
}

/** A member that only moves up because others are gone has not changed its place. */
function whatChanged({ before, after }: ChangeReport, name: string): string[] {
  const names = ({ members }: ChainState): string[] => members.map(member => member.name);
  const [earlier, later] = [names(before), names(after)];
  if (!earlier.includes(name)) return ['new'];
  const rank = earlier.filter(one => later.includes(one)).indexOf(name);
  const isMoved = later.filter(one => earlier.includes(one)).indexOf(name) !== rank;
  return isMoved ? [`was ${ordinal(earlier.indexOf(name) + 1)}`] : [];
}

export function changeJson(report: ChangeReport): Record<string, unknown> {
  const { before, after, via, reason, changed, state, droppedSettings, optimization, notes } = report;
  return {
    changed,
    via,
    reason,
    before: chainJson(before),
    after: chainJson(after),
    state,
    droppedSettings,
    optimization,
    notes,
  };
}
