import { describe, expect, test } from 'vitest';
import { BpfMap } from '../../kernel/objects/map.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { countFds } from '../../kernel/testing.ts';
import type { LoadedObject } from '../../load/execute/loaded-object.ts';
import {
  type IteratorTarget,
  iteratorOf,
  netfilterOf,
  perfEventOf,
  symbolOf,
  userPlaceOf,
  withIterator,
} from './words.ts';

test.each([
  ['cpu-clock,cpu=1,freq=99', { type: 1, config: 0n, cpu: 1, pid: -1, frequency: 99 }],
  ['page-faults,pid=7,period=1', { type: 1, config: 2n, cpu: -1, pid: 7, period: 1 }],
  ['cgroup-switches,pid=7,cpu=0,period=5', { type: 1, config: 11n, cpu: 0, pid: 7, period: 5 }],
  ['cycles,cpu=0,period=100000', { type: 0, config: 0n, cpu: 0, pid: -1, period: 100000 }],
  ['ref-cycles,cpu=0,freq=1', { type: 0, config: 9n, cpu: 0, pid: -1, frequency: 1 }],
  ['4:0x1A3,cpu=0,period=10', { type: 4, config: 0x1a3n, cpu: 0, pid: -1, period: 10 }],
  ['17:12,cpu=0,period=1', { type: 17, config: 12n, cpu: 0, pid: -1, period: 1 }],
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
  ['task:1', { kind: 'task', pid: 1 }],
  ['task:123456789', { kind: 'task', pid: 123456789 }],
])('iterator over %s', (target, expected) => {
  expect(iteratorOf(target)).toEqual(expected);
});

test.each(['', 'map', 'map:', 'cgroup:', 'task:', 'task:0', 'task:x', 'task:1x', 'files:3', ':1'])(
  'an iterator over %j is refused',
  target => {
    expect(() => iteratorOf(target)).toThrow(expect.objectContaining({ code: 'attach-target' }));
  },
);

/** PERF_COUNT_SW_… and PERF_COUNT_HW_… of linux/perf_event.h, by number; the words are those of perf(1). */
const EVENTS: readonly (readonly [type: number, words: readonly string[]])[] = [
  [
    1,
    [
      ...['cpu-clock', 'task-clock', 'page-faults', 'context-switches', 'cpu-migrations', 'minor-faults'],
      ...['major-faults', 'alignment-faults', 'emulation-faults', 'dummy', 'bpf-output', 'cgroup-switches'],
    ],
  ],
  [
    0,
    [
      ...['cycles', 'instructions', 'cache-references', 'cache-misses', 'branches', 'branch-misses'],
      ...['bus-cycles', 'stalled-cycles-frontend', 'stalled-cycles-backend', 'ref-cycles'],
    ],
  ],
];

test.each(
  EVENTS.flatMap(([type, words]) => words.map((word, config) => [word, type, BigInt(config)] as const)),
)('event %s is %i:%i', (word, type, config) => {
  const place = { type, config, cpu: 0, pid: -1, period: 3 };
  expect(perfEventOf(`${word},cpu=0,period=3`)).toEqual(place);
  expect(perfEventOf(`${type}:${config},cpu=0,period=3`)).toEqual(place);
});

test('the words of a refusal are all that there are', () => {
  const words = EVENTS.flatMap(([, list]) => list);
  expect(() => perfEventOf('x,cpu=0,freq=1')).toThrow(`there are ${words.join(', ')}, and TYPE:CONFIG`);
});

test.each(['self', 'descendants', 'ancestors'] as const)('order %s of a cgroup', order => {
  expect(iteratorOf(`cgroup:/a,${order}`)).toEqual({ kind: 'cgroup', directory: '/a', order });
});

test.each([
  ['f', { symbol: 'f' }],
  ['f+0', { symbol: 'f', offset: 0 }],
  ['a+b+12', { symbol: 'a+b', offset: 12 }],
  ['f+0x1c', { symbol: 'f', offset: 28 }],
])('function %s', (target, place) => {
  expect(symbolOf(target)).toEqual(place);
});

test.each([
  ['/bin/a:f', { file: '/bin/a', symbol: 'f' }],
  ['/bin/a:f+4', { file: '/bin/a', symbol: 'f', offset: 4 }],
  ['/b:c:0x10', { file: '/b:c', offset: 16 }],
  ['a:7', { file: 'a', offset: 7 }],
  ['a:4096', { file: 'a', offset: 4096 }],
  ['a:0xg', { file: 'a', symbol: '0xg' }],
])('executable %s', (target, place) => {
  expect(userPlaceOf(target)).toEqual(place);
});

test.each(['ip', 'ip6'])('all hooks of %s', family => {
  const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
  const number = family === 'ip' ? 2 : 10;
  for (const [hook, name] of hooks.entries()) {
    expect(netfilterOf(`${family}:${name}`)).toEqual({ family: number, hook, priority: 0 });
    expect(netfilterOf(`${family}:${name}:-300`)).toEqual({ family: number, hook, priority: -300 });
  }
});

test.each<readonly [string, () => unknown]>([
  ['f+', () => symbolOf('f+')],
  ['+4', () => symbolOf('+4')],
  ['TYPE:CONFIG and more', () => perfEventOf('1:2x,cpu=0,freq=1')],
  ['/a:+4', () => userPlaceOf('/a:+4')],
  ['f+1.5', () => symbolOf('f+1.5')],
  ['f+-1', () => symbolOf('f+-1')],
  ['f+x', () => symbolOf('f+x')],
  ['f', () => userPlaceOf('f')],
  [':f', () => userPlaceOf(':f')],
  ['ip', () => netfilterOf('ip')],
  ['ip:', () => netfilterOf('ip:')],
  ['ip4:input', () => netfilterOf('ip4:input')],
  ['ip:input:', () => netfilterOf('ip:input:')],
  ['ip:input:1234567890', () => netfilterOf('ip:input:1234567890')],
  ['ip:input:+1', () => netfilterOf('ip:input:+1')],
  ['cpu=0 twice', () => perfEventOf('cycles,cpu=0 ,freq=1')],
  ['cpu of ten digits', () => perfEventOf('cycles,cpu=1234567890,freq=1')],
  ['a type of ten digits', () => perfEventOf('1234567890:1,cpu=0,freq=1')],
  ['before the words', () => perfEventOf('cycles,xcpu=0,freq=1')],
  ['task of ten digits', () => iteratorOf('task:1234567890')],
])('%s is refused', (_, parse) => {
  expect(parse).toThrow(expect.objectContaining({ code: 'attach-target' }));
});

describe('the target of an iterator, opened', () => {
  const sys = new FakeSys();
  const map = BpfMap.create(sys, { name: 'm', type: 2, keySize: 4, valueSize: 4, maxEntries: 1 });
  const loaded = { maps: new Map([['m', map]]) } as unknown as LoadedObject; // of a loaded object, only its maps are used
  const scopeOf = (target: IteratorTarget) => withIterator(sys, loaded, target, scope => scope);

  test('tasks and threads', () => {
    expect(scopeOf({ kind: 'task', pid: 3 })).toEqual({ kind: 'task', pid: 3 });
    expect(scopeOf({ kind: 'thread', tid: 4 })).toEqual({ kind: 'task', tid: 4 });
  });

  test('maps', () => {
    expect(scopeOf({ kind: 'map', name: 'm' })).toEqual({ kind: 'map', fd: map.fd.number });
    expect(() => scopeOf({ kind: 'map', name: 'n' })).toThrow(
      /the object has no map "n"\n.*hint: there .*"m"; a pin is named/,
    );
  });

  test('cgroups', () => {
    const before = countFds();
    const scope = scopeOf({ kind: 'cgroup', directory: '/', order: 'self' });
    expect(countFds()).toBe(before);
    expect(scope).toEqual({ kind: 'cgroup', fd: expect.any(Number), order: 'self' });
    expect(() => scopeOf({ kind: 'cgroup', directory: '/none', order: 'self' })).toThrow(
      /"\/none" .*: ENOENT/,
    );
  });
});
