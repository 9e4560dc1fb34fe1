/** What cleaning up after chains removed, and what it left. */

import type { ChainRest, CleanReport } from '../../src/chain/index.ts';

const WHAT = { entry: '', dispatcher: 'pins of libxdp, ' } as const;

export function formatClean({ removed, left }: CleanReport, dryRun: boolean): string {
  const verb = dryRun ? 'would remove' : 'removed';
  const lines = [
    ...removed.map(one => `${verb} ${restText(one)}`),
    ...left.map(one => `left ${restText(one)}`),
  ];
  return lines.length === 0 ? 'nothing to clean up' : lines.join('\n');
}

function restText({ kind, name, reason }: ChainRest): string {
  return `${WHAT[kind]}${name}: ${reason}`;
}
