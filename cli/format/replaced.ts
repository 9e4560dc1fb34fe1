/** What `replace` did or would do, as text and as data: slots, state, settings, consumers. */

import { joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import type { ReplaceOutcome, SlotState, UpgradedConsumer } from '../../src/dynamic/index.ts';
import type { OptimizeReport } from '../../src/link/index.ts';
import {
  describeState,
  type Settings,
  type SettingsByOwner,
  type StateChange,
} from '../../src/state/index.ts';
import { entryJson, formatEntry } from './entry.ts';
import { settingText } from './inventory.ts';
import { formatOutlook } from './optimization.ts';
import { table } from './table.ts';

export interface Style {
  readonly dryRun: boolean;
  /** New maps and constants too. */
  readonly all: boolean;
}

interface Facts {
  readonly state: readonly StateChange[];
  readonly settings: SettingsByOwner;
  readonly droppedSettings: readonly string[];
  readonly optimization: OptimizeReport | null;
}

function factsOf(outcome: ReplaceOutcome): Facts {
  switch (outcome.kind) {
    case 'rootlet':
      return outcome.replaced;
    case 'attached':
      return { ...outcome.replaced, settings: new Map([['', outcome.replaced.settings]]) };
    case 'object':
      return { ...outcome.report, settings: new Map([['', outcome.report.settings]]) };
  }
}

export function formatReplaced(outcome: ReplaceOutcome, style: Style): Lines {
  const { state, settings, droppedSettings, optimization } = factsOf(outcome);
  return joinBlocks([
    ...headOf(outcome, style),
    ...(style.dryRun && optimization !== null ? formatOutlook(optimization) : []),
    ...describeState(state, style.all).map(line),
    ...settingsLines(settings),
    ...droppedSettings.map(one => line(`setting dropped: ${one}`)),
    ...consumerLines(outcome).map(line),
  ]);
}

function headOf(outcome: ReplaceOutcome, { dryRun }: Style): Lines[] {
  const { entry } = outcome;
  switch (outcome.kind) {
    case 'rootlet': {
      const { slots, choice, optimized } = outcome.replaced;
      const step = optimized === 'none' || dryRun ? '' : `, optimized (${optimized})`;
      const head = `${dryRun ? 'would change ' : ''}${entry.name} on ${outcome.place} (${choice.via}: ${choice.reason})${step}`;
      return [
        line(head),
        table(
          slots.map(one => [one.slot, describeFill(one)]),
          '  ',
        ),
      ];
    }
    case 'attached': {
      const { place, program } = outcome.replaced;
      if (dryRun) return [line(`would replace ${entry.name}: ${place} would run ${program}`)];
      return [formatEntry(`${place} now runs ${program} (${entry.name})`, entry)];
    }
    case 'object':
      return dryRun ? [line(`would replace ${entry.name}`)] : [formatEntry(`replaced ${entry.name}`, entry)];
  }
}

function describeFill({ fill }: SlotState): string {
  if (fill === null) return 'its own code';
  const program = fill.program === undefined ? '' : `:${fill.program}`;
  const version = fill.version === undefined ? '' : `, version ${fill.version}`;
  return `${fill.component} = ${fill.file.name}${program}${version}`;
}

/** At most one line. */
export function settingsLines(settings: SettingsByOwner): Lines[] {
  const words = [...settings].flatMap(([owner, one]) => settingWords(owner, one));
  return words.length === 0 ? [] : [line(`settings: ${words.join(', ')}`)];
}

function settingWords(owner: string, { globals, maxEntries }: Settings): string[] {
  const prefix = owner === '' ? '' : `${owner}:`;
  return [
    ...[...globals].map(([name, value]) => `${prefix}${name}=${settingText(value)}`),
    ...[...maxEntries].map(([name, count]) => `max-entries ${prefix}${name}=${count}`),
  ];
}

const HOW: Readonly<Record<UpgradedConsumer['how'][number], string>> = {
  slot: 'its tail-call slot has the new version',
  stub: 'its stubs have the new version',
  reload: 'reloaded',
  hook: 'reloaded, and replaced where it is attached',
};

function consumerLines(outcome: ReplaceOutcome): string[] {
  if (outcome.kind !== 'object') return [];
  return outcome.report.consumers.map(({ kind, name, how }) => {
    const what = how.length === 0 ? 'uses nothing that changed' : how.map(one => HOW[one]).join(', ');
    return `consumer ${kind} ${name}: ${what}`;
  });
}

/** Whether a plan has something that is refused. */
export function isRefused(outcome: ReplaceOutcome): boolean {
  return factsOf(outcome).state.some(({ kind }) => kind === 'refuse');
}

/** Notes of the change and of the loader. */
export function notesOf(outcome: ReplaceOutcome): readonly string[] {
  switch (outcome.kind) {
    case 'rootlet':
    case 'attached':
      return outcome.replaced.notes;
    case 'object':
      return outcome.report.notes;
  }
}

/** `waiting`: externs that waited for the object. */
export function replacedJson(
  outcome: ReplaceOutcome,
  { done, notes }: { readonly done: readonly string[]; readonly notes: readonly string[] },
): Record<string, unknown> {
  const { state, settings, droppedSettings, optimization } = factsOf(outcome);
  return {
    kind: outcome.kind,
    ...kindJson(outcome),
    ...(outcome.kind === 'object' ? { waiting: done } : {}),
    state,
    settings: settingsJson(settings),
    droppedSettings,
    optimization,
    notes: [...notesOf(outcome), ...notes],
    entry: entryJson(outcome.entry),
  };
}

function kindJson(outcome: ReplaceOutcome): Record<string, unknown> {
  switch (outcome.kind) {
    case 'rootlet': {
      const { slots, choice, optimized } = outcome.replaced;
      const { via, reason } = choice;
      return { place: outcome.place, via, reason, optimized, slots: slots.map(slotJson) };
    }
    case 'attached': {
      const { place, program, bindings } = outcome.replaced;
      return { place, program, bindings };
    }
    case 'object':
      return { consumers: outcome.report.consumers };
  }
}

function slotJson({ slot, fill }: SlotState): Record<string, unknown> {
  return {
    slot,
    component: fill?.component ?? null,
    version: fill?.version ?? null,
    file: fill?.file.name ?? null,
    program: fill?.program ?? null,
  };
}

function settingsJson(settings: SettingsByOwner): Record<string, unknown>[] {
  return [...settings].flatMap(([owner, { globals, maxEntries }]) => {
    const component = owner === '' ? null : owner;
    return [
      ...[...globals].map(([name, value]) => ({ component, variable: name, value })),
      ...[...maxEntries].map(([map, count]) => ({ component, map, maxEntries: count })),
    ];
  });
}
