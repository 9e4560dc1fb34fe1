/**
 * Settings of an entry, which persist until they are set again: values, sizes, back end of slots, mode and
 * priority.
 */

import { RootletError } from '../../diag/index.ts';
import type { InlineScope } from '../../link/index.ts';
import { describeOptimizeSetting, type OptimizeSetting } from '../../load/index.ts';
import { decodeEntryState } from '../../state/index.ts';
import { fieldsOf, type StoreEntry } from '../../store/index.ts';
import { RELINK_FIELD } from './record.ts';

/** One setting. */
export interface EntrySetting {
  /** Component that it was given for; null for the entry itself. */
  readonly component: string | null;
  readonly kind: 'variable' | 'max-entries' | 'via' | 'mode' | 'direction' | 'priority' | 'optimize';
  /** Variable or map; '' for settings of the hook. */
  readonly name: string;
  readonly value: unknown;
}

/** In the order of components; none for a record that cannot be read. */
export function entrySettings(entry: StoreEntry): EntrySetting[] {
  return [...hookSettings(entry), ...givenSettings(entry)];
}

function hookSettings({ record }: StoreEntry): EntrySetting[] {
  const { attach, [RELINK_FIELD]: slots } = record.data;
  const { mode, direction, priority } = fieldsOf(attach);
  const { via, forced } = fieldsOf(slots);
  const all = [
    ['mode', mode],
    ['direction', direction],
    ['priority', priority],
    ['via', forced === true ? via : undefined],
  ] as const;
  return all.flatMap(([kind, value]) =>
    value === undefined ? [] : [{ component: null, kind, name: '', value }],
  );
}

/**
 * The step of the optimizer that programs of an entry are at, and which: of an attachment that on the hook, else
 * all. Undefined where nothing is optimized, and for a record that cannot be read.
 */
export function entryOptimization({
  kind,
  record,
}: StoreEntry): { readonly step: InlineScope; readonly programs: readonly string[] } | undefined {
  const step = orElse(() => decodeEntryState(record.data).optimized, undefined);
  if (step === undefined || step === 'none') return undefined;
  const { attach, [RELINK_FIELD]: slots } = record.data;
  const named = [fieldsOf(slots)['running'], fieldsOf(attach)['program']];
  const names = record.programs.map(({ name }) => name);
  const programs = kind === 'hook' ? names.filter(name => named.includes(name)) : names;
  return { step, programs };
}

/** `other` where a record cannot be read. */
function orElse<T>(read: () => T, other: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RootletError) return other;
    throw error;
  }
}

function givenSettings(entry: StoreEntry): EntrySetting[] {
  return orElse(() => {
    const { settings, optimize } = decodeEntryState(entry.record.data);
    const values = [...settings].flatMap(([owner, { globals, maxEntries }]) => {
      const component = owner === '' ? null : owner;
      return [
        ...[...globals].map(([name, value]) => ({ component, kind: 'variable' as const, name, value })),
        ...[...maxEntries].map(([name, value]) => ({ component, kind: 'max-entries' as const, name, value })),
      ];
    });
    return [...optimizeSettings(optimize), ...values];
  }, []);
}

/** As options of a command: `-O0`. */
function optimizeSettings(optimize: OptimizeSetting | undefined): EntrySetting[] {
  if (optimize === undefined) return [];
  return [{ component: null, kind: 'optimize', name: '', value: describeOptimizeSetting(optimize) }];
}
