import { expect, test } from 'vitest';
import { iteratorOf, perfEventOf } from './words.ts';

test.each([
  ['cpu-clock,cpu=1,freq=99', { type: 1, config: 0n, cpu: 1, pid: -1, frequency: 99 }],
  ['page-faults,pid=7,period=1', { type: 1, config: 2n, cpu: -1, pid: 7, period: 1 }],
  ['cgroup-switches,pid=7,cpu=0,period=5', { type: 1, config: 11n, cpu: 0, pid: 7, period: 5 }],
  ['cycles,cpu=0,period=100000', { type: 0, config: 0n, cpu: 0, pid: -1, period: 100000 }],
  ['ref-cycles,cpu=0,freq=1', { type: 0, config: 9n, cpu: 0, pid: -1, frequency: 1 }],
  ['4:0x1A3,cpu=0,period=10', { type: 4, config: 0x1a3n, cpu: 0, pid: -1, period: 10 }],
  ['2:12,cpu=0,period=1', { type: 2, config: 12n, cpu: 0, pid: -1, period: 1 }],
])('perf event %s', (target, spec) => {
  expect(perfEventOf(target)).toEqual(spec);
});

test.each([
  ['cpu-clock', 'does not specify cpu or pid'],
  ['cpu-clock,cpu=0', 'how often the program runs'],
  ['cpu-clock,cpu=0,freq=9,period=9', 'how often the program runs'],
  ['cpu-clok,cpu=0,freq=9', '"cpu-clok" is not an event; there are cpu-clock, '],
  ['cpu-clock,cpu=-1,freq=9', '"cpu=-1" is not one of cpu=N, pid=N'],
  ['cpu-clock,cpu=0,freq=', '"freq=" is not one of'],
  [',cpu=0,freq=1', '"" is not an event'],
  ['1:,cpu=0,freq=1', '"1:" is not an event'],
  ['', 'does not specify cpu or pid'],
])('perf event %j is refused', (target, message) => {
  expect(() => perfEventOf(target)).toThrow(message);
});

test.each([
  ['map:counts', { kind: 'map', name: 'counts' }],
  ['map:/sys/fs/bpf/a:b', { kind: 'map', name: '/sys/fs/bpf/a:b' }],
  ['cgroup:/sys/fs/cgroup', { kind: 'cgroup', directory: '/sys/fs/cgroup', order: 'descendants' }],
  ['cgroup:/a,b,self', { kind: 'cgroup', directory: '/a,b', order: 'self' }],
  ['task:12', { kind: 'task', pid: 12 }],
  ['thread:12', { kind: 'thread', tid: 12 }],
])('iterator over %s', (target, expected) => {
  expect(iteratorOf(target)).toEqual(expected);
});

test.each(['', 'map', 'map:', 'cgroup:', 'task:', 'task:0', 'task:x', 'task:1x', 'files:3', ':1'])(
  'an iterator over %j is refused',
  target => {
    expect(() => iteratorOf(target)).toThrow(expect.objectContaining({ code: 'attach-target' }));
  },
);
