/** Whether the program on a hook can be changed, by its section. */

import { expect, test } from 'vitest';
import { programTypeOf } from '../../object/programs/section-names.ts';
import { canHookChange } from './program-hooks.ts';

test.each([
  ['xdp', true],
  ['tcx/ingress', true],
  ['netkit/primary', true],
  ['cgroup/connect4', true],
  ['sk_lookup', true],
  ['sk_msg', true],
  ['iter/task', true],
  ['lsm_cgroup/socket_create', true],
  ['socket', true],
  ['lwt_xmit', true],
  ['kprobe/vfs_read', false],
  ['kprobe.multi/vfs_*', false],
  ['tracepoint/sched/sched_switch', false],
  ['raw_tp/sched_switch', false],
  ['perf_event', false],
  ['fentry/vfs_read', false],
  ['lsm/file_open', false],
  ['netfilter', false],
  ['freplace/x', false],
])('%s: %s', (section, expected) => {
  const type = programTypeOf(section);
  expect(type && canHookChange(type)).toBe(expected);
});
