/**
 * Settings of an entry, which persist until they are set again: values, sizes, back end of slots, mode and
 * priority.
 */

import { RootletError } from '../../diag/index.ts';
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

function givenSettings(entry: StoreEntry): EntrySetting[] {
  try {
    const { settings, optimize } = decodeEntryState(entry.record.data);
    const values = [...settings].flatMap(([owner, { globals, maxEntries }]) => {
      const component = owner === '' ? null : owner;
      return [
        ...[...globals].map(([name, value]) => ({ component, kind: 'variable' as const, name, value })),
        ...[...maxEntries].map(([name, value]) => ({ component, kind: 'max-entries' as const, name, value })),
      ];
    });
    return [...optimizeSettings(optimize), ...values];
  } catch (error) {
    if (error instanceof RootletError) return [];
    throw error;
  }
}

/** As options of a command: `-O0`. */
function optimizeSettings(optimize: OptimizeSetting | undefined): EntrySetting[] {
  if (optimize === undefined) return [];
  return [{ component: null, kind: 'optimize', name: '', value: describeOptimizeSetting(optimize) }];
}
