/** Keys of program kinds, which are stored, and their names for people. */

import { expect, test } from 'vitest';
import { kindId, kindName, kindNameOf } from './program-type.ts';
import { programTypeOf } from './section-names.ts';

test.each([
  ['xdp', '6.37', 'xdp'],
  ['xdp.frags', '6.37.frags', 'xdp (fragments)'],
  ['xdp.frags/devmap', '6.33.frags', 'xdp (xdp_devmap, fragments)'],
  ['tc', '3.0', 'sched_cls'],
  ['tcx/egress', '3.47', 'sched_cls (tcx_egress)'],
  ['cgroup_skb/ingress', '8.0', 'cgroup_skb'],
  ['tracepoint/a/b', '5.0', 'tracepoint'],
] as const)('%s', (section, key, name) => {
  const type = programTypeOf(section);
  if (type === undefined) throw new Error('no such section');
  expect(kindId(type)).toBe(key); // stored: must not change
  expect(kindName(type)).toBe(name);
  expect(kindNameOf(key)).toBe(name);
});

test.each(['', '6', '6.', '6.37.', '6.99999999999', 'xdp', '../x'])(
  'what is not a key comes back: %j',
  text => expect(kindNameOf(text)).toBe(text),
);
