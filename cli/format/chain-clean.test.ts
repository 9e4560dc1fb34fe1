import { expect, test } from 'vitest';
import { formatClean } from './chain-clean.ts';

const report = {
  removed: [
    { kind: 'entry', name: 'attachment "xdp-eth0"', reason: 'its interface is gone' },
    { kind: 'dispatcher', name: '/sys/fs/bpf/xdp/dispatch-7-12', reason: 'it is attached nowhere' },
  ],
  left: [{ kind: 'entry', name: 'attachment "xdp-eth1"', reason: 'it cannot be read' }],
  notes: [],
} as const;

test('what was removed, and what was left, with reasons', () => {
  expect(formatClean(report, false).split('\n')).toEqual([
    'removed attachment "xdp-eth0": its interface is gone',
    'removed pins of libxdp, /sys/fs/bpf/xdp/dispatch-7-12: it is attached nowhere',
    'left attachment "xdp-eth1": it cannot be read',
  ]);
  expect(formatClean(report, true)).toMatch(/^would remove attachment "xdp-eth0": /);
  expect(formatClean({ removed: [], left: [], notes: [] }, false)).toBe('nothing to clean up');
});
