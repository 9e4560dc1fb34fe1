/** The table of a soak test: a row for each subject, as Markdown. */

import type { Measure } from './measure.ts';
import { grown, type Outcome } from './subject.ts';

const COUNTS: readonly Measure[] = ['fds', 'pins', 'programs', 'links', 'kernel maps', 'kernel BTF'];
const BYTES: readonly Measure[] = ['heap', 'external', 'resident'];

export function headOf(): string[] {
  const bytes = BYTES.map(name => `${name}, B a cycle`);
  return ['subject', 'cycles', 'CPU ms a cycle', ...COUNTS, ...bytes, 'resident, peak MiB', 'grows'];
}

/** Counts: what was added from the first sample to the last one; bytes: growth of the second half. */
export function rowOf(outcome: Outcome): string[] {
  const { subject, cycles, milliseconds, first, last, growth, peak } = outcome;
  return [
    `${subject.what}: ${subject.name}`,
    String(cycles),
    milliseconds.toFixed(milliseconds < 10 ? 2 : 0),
    ...COUNTS.map(name => String(last[name] - first[name])),
    ...BYTES.map(name => (growth.get(name)?.perCycle ?? Number.NaN).toFixed(0)),
    `${Math.round(last.resident / 2 ** 20)}, ${Math.round(peak / 2 ** 20)}`,
    grown(outcome).join(', ') || 'no',
  ];
}

export function textOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
