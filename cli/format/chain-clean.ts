/** What cleaning up after chains removed, and what it left. */

import type { ChainRest, CleanReport } from '../../src/chain/index.ts';
import { joinLines, type Lines } from '../../src/diag/index.ts';

const WHAT = { entry: '', dispatcher: 'pins of libxdp, ' } as const;

export function formatClean({ removed, left }: CleanReport, dryRun: boolean): Lines {
  const verb = dryRun ? 'would remove' : 'removed';
  const lines = [
    ...removed.map(one => `${verb} ${restText(one)}`),
    ...left.map(one => `left ${restText(one)}`),
  ];
  return joinLines(lines.length === 0 ? ['nothing to clean up'] : lines);
}

function restText({ kind, name, reason }: ChainRest): string {
  return `${WHAT[kind]}${name}: ${reason}`;
}
