/** Keys of program kinds, which are stored, and their names for people. */

import { expect, test } from 'vitest';
import { programTypeOf } from '../../object/programs/section-names.ts';
import { describePin, pinNames } from '../entries/stored.ts';
import { kindKey, kindName, nameOfKey } from './program-kind.ts';

test.each([
  ['xdp', 'xdp attach type 37', 'xdp'],
  ['xdp.frags', 'xdp.frags attach type 37', 'xdp (fragments)'],
  ['xdp.frags/devmap', 'xdp.frags attach type 33', 'xdp (xdp_devmap, fragments)'],
  ['tc', 'sched_cls', 'sched_cls'],
  ['tcx/egress', 'sched_cls attach type 47', 'sched_cls (tcx_egress)'],
  ['cgroup_skb/ingress', 'cgroup_skb', 'cgroup_skb'],
  ['tracepoint/a/b', 'tracepoint', 'tracepoint'],
] as const)('%s', (section, key, name) => {
  const type = programTypeOf(section);
  if (type === undefined) throw new Error('no such section');
  expect(kindKey(type)).toBe(key); // stored: must not change
  expect(kindName(type)).toBe(name);
  expect(nameOfKey(key)).toBe(name);
});

test.each(['', 'xdp attach type', 'xdp attach type 99999999999', 'a b', '../x'])(
  'what is not a key comes back: %j',
  text => expect(nameOfKey(text)).toBe(text),
);

test.each([
  [pinNames.array('xdp attach type 37'), 'slots of xdp programs'],
  [pinNames.member('xdp attach type 37', 'judge'), 'judge (in slots of xdp programs)'],
  [pinNames.replacement('xdp.frags attach type 37', 'judge'), 'judge (replaces in xdp (fragments) programs)'],
  ['one.o:runs', 'one.o:runs'],
  ['main', 'main'],
])('pin %s', (name, words) => expect(describePin(name)).toBe(words));
