/** Kinds and targets of hooks as text, and what is refused. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { withProgramTypes } from '../../object/programs/retype.ts';
import { readObject } from '../../object/read/read.ts';
import * as uapi from '../../uapi/index.ts';
import { hasHook } from '../kinds/program-hooks.ts';
import { programForHook, typesForHook } from './hook-program.ts';
import { HOOK_KINDS, isOperations, type PlaceFlags, parseHook, requireKind } from './kinds.ts';

type Row = readonly [kind: string, target: string, flags: PlaceFlags, place: object];
const NONE: PlaceFlags = {};

const ACCEPTED: readonly Row[] = [
  ['xdp', 'eth0', NONE, { interface: 'eth0' }],
  ['xdp', 'eth0', { mode: 'generic' }, { interface: 'eth0', mode: 'generic' }],
  ['xdp', '-', NONE, {}],
  ['tcx', 'eth0', NONE, { interface: 'eth0', method: 'tcx' }],
  ['tcx', 'eth0', { ingress: true }, { interface: 'eth0', method: 'tcx', direction: 'ingress' }],
  ['tcx', 'eth0', { egress: true }, { interface: 'eth0', method: 'tcx', direction: 'egress' }],
  ['tc', 'eth0', NONE, { interface: 'eth0', method: 'clsact' }],
  [
    'tc',
    'eth0',
    { egress: true, priority: 7 },
    { interface: 'eth0', method: 'clsact', direction: 'egress', priority: 7 },
  ],
  ['netkit', 'kit', NONE, { interface: 'kit' }],
  ['cgroup', '/sys/fs/cgroup/a', NONE, { cgroup: '/sys/fs/cgroup/a' }],
  ['netns', 'self', NONE, {}],
  ['netns', 'blue', NONE, { netns: '/run/netns/blue' }],
  ['netns', '/proc/7/ns/net', NONE, { netns: '/proc/7/ns/net' }],
  ['tracepoint', 'sched/sched_switch', NONE, { tracepoint: 'sched/sched_switch' }],
  ['raw-tracepoint', 'sched_switch', NONE, { tracepoint: 'sched_switch' }],
  ['kprobe', 'vfs_read', NONE, { kernelFunction: { symbol: 'vfs_read' } }],
  ['kprobe', 'vfs_read+0x1c', NONE, { kernelFunction: { symbol: 'vfs_read', offset: 28 } }],
  ['kprobe', 'vfs_read+4', NONE, { kernelFunction: { symbol: 'vfs_read', offset: 4 } }],
  ['uprobe', '/bin/bash:readline', NONE, { executable: { file: '/bin/bash', symbol: 'readline' } }],
  ['uprobe', 'libc.so.6:read+0x10', NONE, { executable: { file: 'libc.so.6', symbol: 'read', offset: 16 } }],
  ['uprobe', '/a:b/prog:0x4f0', NONE, { executable: { file: '/a:b/prog', offset: 0x4f0 } }],
  ['uprobe', '/bin/true:64', NONE, { executable: { file: '/bin/true', offset: 64 } }],
  ['uprobe', '-', NONE, {}],
  ['tracing', '-', NONE, {}],
  ['lsm', '-', NONE, {}],
  ['iter', '-', NONE, {}],
  ['iter', 'map:counts', NONE, {}],
  ['iter', 'cgroup:/sys/fs/cgroup,self', NONE, {}],
  ['iter', 'task:1', NONE, {}],
  [
    'perf-event',
    'cpu-clock,cpu=1,freq=99',
    NONE,
    { perfEvent: { type: 1, config: 0n, cpu: 1, pid: -1, frequency: 99 } },
  ],
  ['netfilter', 'ip:prerouting:-5', NONE, { netfilter: { family: 2, hook: 0, priority: -5 } }],
  ['netfilter', 'ip:input', NONE, { netfilter: { family: 2, hook: 1, priority: 0 } }],
  ['netfilter', 'ip6:forward:0', NONE, { netfilter: { family: 10, hook: 2, priority: 0 } }],
  ['netfilter', 'ip6:output:100', NONE, { netfilter: { family: 10, hook: 3, priority: 100 } }],
  ['netfilter', 'ip6:postrouting:1', NONE, { netfilter: { family: 10, hook: 4, priority: 1 } }],
  ['sockmap', 'sockets', NONE, { sockmap: 'sockets' }],
  ['struct-ops', 'dctcp', NONE, {}],
  ['struct-ops', '-', NONE, {}],
];

test.each(ACCEPTED)('%s %s %j', (kind, target, flags, place) => {
  expect(parseHook(kind, target, flags)).toEqual({ kind, target, place });
});

test('every kind is in the table', () => {
  expect([...new Set(ACCEPTED.map(([kind]) => kind))].sort()).toEqual(
    HOOK_KINDS.map(({ name }) => name).sort(),
  );
  expect(HOOK_KINDS.filter(({ name }) => isOperations({ kind: name })).map(({ name }) => name)).toEqual([
    'struct-ops',
  ]);
});

test('every program type that has a hook has a kind, but for those that a process has to hold', () => {
  const held = [uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_SK_REUSEPORT, uapi.BPF_PROG_TYPE_EXT];
  const named = new Set([...HOOK_KINDS.flatMap(({ name }) => requireKind(name).types), ...held]);
  const known = Array.from({ length: uapi.PROG_TYPE_COUNT }, (_, type) => type);
  expect(known.filter(type => hasHook(type) !== named.has(type)).map(uapi.progTypeName)).toEqual([]);
});

test('docs/loading.md has a row for every kind', () => {
  const document = readFileSync(join(import.meta.dirname, '../../../docs/loading.md'), 'utf8');
  const section = document.split('\n## attach\n')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').flatMap(line => /^\| (`[^|]*) \|/.exec(line)?.[1] ?? []);
  const documented = rows.flatMap(cell => [...cell.matchAll(/`([a-z-]+)`/g)].map(match => match[1]));
  expect(documented.sort()).toEqual(HOOK_KINDS.map(({ name }) => name).sort());
});

const REFUSED: readonly (readonly [string, string, PlaceFlags, string, RegExp])[] = [
  ['xpd', 'eth0', NONE, 'attach-kind', /did you mean "xdp"/],
  ['nothing', 'eth0', NONE, 'attach-kind', /there are: "xdp", "tcx", "tc", /],
  ['tc', 'eth0', { mode: 'native' }, 'attach-mode', /--mode is for XDP/],
  ['tcx', 'eth0', { mode: 'generic' }, 'attach-mode', /--mode is for XDP/],
  ['tcx', 'eth0', { ingress: true, egress: true }, 'attach-direction', /not both/],
  ['xdp', 'eth0', { ingress: true }, 'attach-direction', /for tc and tcx/],
  ['netkit', 'eth0', { egress: true }, 'attach-direction', /for tc and tcx/],
  ['tcx', 'eth0', { priority: 1 }, 'attach-priority', /for tc/],
  ['tracing', 'vfs_read', NONE, 'attach-target', /write - for the target/],
  ['lsm', 'file_open', NONE, 'attach-target', /write - for the target/],
  ['kprobe', 'vfs_read+', NONE, 'attach-target', /offset/],
  ['kprobe', 'vfs_read+-4', NONE, 'attach-target', /offset/],
  ['kprobe', 'vfs_read+x', NONE, 'attach-target', /offset/],
  ['uprobe', 'readline', NONE, 'attach-target', /FILE:FUNCTION/],
  ['uprobe', ':readline', NONE, 'attach-target', /FILE:FUNCTION/],
  ['uprobe', '/bin/bash:readline+x', NONE, 'attach-target', /offset/],
  ['netfilter', 'ip:nowhere:0', NONE, 'attach-target', /prerouting/],
  ['netfilter', 'inet:input:0', NONE, 'attach-target', /ip\|ip6/],
  ['netfilter', 'ip:input:1x', NONE, 'attach-target', /ip\|ip6/],
  ['iter', 'files:3', NONE, 'attach-target', /task:PID/],
  ['perf-event', 'cpu-clock', NONE, 'attach-target', /as in cpu-clock/],
];

test.each(REFUSED)('%s %s %j is refused', (kind, target, flags, code, message) => {
  const parse = () => parseHook(kind, target, flags);
  expect(parse).toThrow(expect.objectContaining({ code }));
  expect(parse).toThrow(message);
});

describe('the program for a kind', () => {
  const read = (path: string) =>
    readObject({
      name: path.slice(path.lastIndexOf('/') + 1),
      bytes: readFileSync(join(import.meta.dirname, '..', '..', path)),
    });
  const HOOKS = read('load/testdata/obj/el/hooks.bpf.o');
  const OPERATIONS = read('load/testdata/obj/el/operations.bpf.o');
  const FIREWALL = read('../examples/obj/el/first_firewall.bpf.o');

  test.each([
    ['xdp', 'eth0', FIREWALL, 'xdp_prog1'],
    ['sockmap', 'sockets', HOOKS, 'message', 'message'],
    ['netns', 'self', HOOKS, 'lookup'],
    ['perf-event', '-', HOOKS, 'tick'],
    ['kprobe', '-', HOOKS, 'in_kernel', 'in_kernel'],
    ['cgroup', '/', HOOKS, 'created'],
    ['netkit', 'kit', HOOKS, 'device'],
    ['iter', '-', HOOKS, 'iterated'],
    ['tracing', '-', HOOKS, 'entered'],
    ['struct-ops', 'linked', OPERATIONS, 'linked'],
    ['struct-ops', 'linked', OPERATIONS, 'flavoured', 'flavoured'],
  ] as const)('what %s %s attaches', (kind, target, object, program, wanted?: string) => {
    expect(programForHook(object, parseHook(kind, target), wanted)).toBe(program);
  });

  test.each([
    ['xdp', HOOKS, undefined, /no program is for xdp/],
    ['sockmap', HOOKS, undefined, /several programs are for sockmap\n.*message, stream/],
    ['sockmap', HOOKS, 'lookup', /in SEC\("sk_lookup"\) is not for sockmap/],
    ['cgroup', HOOKS, 'nothing', /no program "nothing"\n.*there are: /],
    ['tcx', HOOKS, 'device', /not for tcx/],
    ['uprobe', HOOKS, 'in_kernel', /not for uprobe/],
    ['struct-ops', OPERATIONS, undefined, /there are several struct_ops maps\n.*linked, flavoured/],
    ['struct-ops', FIREWALL, undefined, /there is no struct_ops map\n.*struct_ops\.link/],
  ] as const)('%s of %o: %s is refused', (kind, object, wanted, message) => {
    expect(() => programForHook(object, parseHook(kind, '-'), wanted)).toThrow(message);
  });
});

/** The object with a pointer to a function in a map. */
function holding(object: BpfObject, map: string, held: string): BpfObject {
  const symbol = object.symbols.findIndex(({ name }) => name === held);
  const reference = { offset: 0, width: 8, symbol, addend: 0, kind: 'address' } as const;
  const symbols = object.symbols.map(one =>
    one.kind === 'map' && one.name === map ? { ...one, references: [reference] } : one,
  );
  return { ...object, symbols };
}

describe('programs without a type', () => {
  const fn = (name: string, section: string, ...uses: string[]): SymbolSpec => ({
    name,
    kind: 'function',
    section,
    uses,
  });
  const hook = (kind: string) => parseHook(kind, '-');
  const typesOf = (kind: string, specs: readonly SymbolSpec[], wanted?: string) => [
    ...typesForHook(objectOf('a.o', specs), hook(kind), wanted),
  ];

  test.each([
    ['xdp', 'xdp'],
    ['tc', 'tc'],
    ['tcx', 'tc'],
    ['tracepoint', 'tracepoint'],
    ['raw-tracepoint', 'raw_tp'],
    ['kprobe', 'kprobe'],
    ['uprobe', 'uprobe'],
    ['perf-event', 'perf_event'],
    ['netfilter', 'netfilter'],
  ])('%s gives them SEC("%s")', (kind, section) => {
    const specs = [fn('f', 'mine'), fn('other', 'socket')];
    expect(typesOf(kind, specs)).toEqual([['f', section]]);
    const typed = withProgramTypes(objectOf('a.o', specs), new Map([['f', section]]));
    expect(programForHook(typed, hook(kind), undefined)).toBe('f');
  });

  test.each(['cgroup', 'netns', 'netkit', 'sockmap', 'tracing', 'lsm', 'iter', 'struct-ops'])(
    '%s gives none',
    kind => expect(typesOf(kind, [fn('f', 'mine')])).toEqual([]),
  );

  test('which of several', () => {
    expect(typesOf('xdp', [fn('f', 'mine'), fn('g', 'xdp')])).toEqual([]);
    expect(typesOf('xdp', [fn('f', 'mine'), fn('g', 'xdp')], 'f')).toEqual([['f', 'xdp']]);
    expect(typesOf('xdp', [fn('f', 'mine'), fn('g', 'yours')])).toEqual([]);
    expect(typesOf('xdp', [fn('f', 'mine'), fn('g', '?yours')])).toEqual([['f', 'xdp']]);
    const array: SymbolSpec = { name: 'array', kind: 'map', mapType: 3 };
    const stages = holding(
      objectOf('a.o', [fn('f', 'xdp'), fn('stage', 'xdp/stage'), array]),
      'array',
      'stage',
    );
    expect([...typesForHook(stages, hook('xdp'), undefined)]).toEqual([['stage', 'xdp']]);
  });

  test('static programs that would be meant', () => {
    const still: SymbolSpec = { ...fn('still', 'xdp'), binding: 'local' };
    const object = objectOf('a.o', [still, fn('f', 'xdp'), fn('g', 'tc')]);
    const refused = expect.objectContaining({ code: 'object-static-program' });
    expect(() => programForHook(object, hook('xdp'), undefined)).toThrow(refused);
    expect(() => programForHook(object, hook('xdp'), 'still')).toThrow(refused);
    expect(programForHook(object, hook('xdp'), 'f')).toBe('f');
    expect(programForHook(object, hook('tc'), undefined)).toBe('g');
  });
});
