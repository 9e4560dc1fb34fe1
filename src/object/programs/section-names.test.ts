import { expect, test } from 'vitest';
import * as uapi from '../../uapi/index.ts';
import { knownSectionNames, programTypeOf, suggestSectionName } from './section-names.ts';

test.each([
  ['xdp', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP, 0, ''],
  ['xdp.frags', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP, uapi.BPF_F_XDP_HAS_FRAGS, ''],
  ['xdp/devmap', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP_DEVMAP, 0, ''],
  ['tc', uapi.BPF_PROG_TYPE_SCHED_CLS, 0, 0, ''],
  ['tcx/egress', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_EGRESS, 0, ''],
  ['kprobe/do_unlinkat', uapi.BPF_PROG_TYPE_KPROBE, 0, 0, 'do_unlinkat'],
  ['tp/sched/sched_switch', uapi.BPF_PROG_TYPE_TRACEPOINT, 0, 0, 'sched/sched_switch'],
  ['fentry.s/vfs_read', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FENTRY, uapi.BPF_F_SLEEPABLE, 'vfs_read'],
  ['freplace/xdp_filter', uapi.BPF_PROG_TYPE_EXT, 0, 0, 'xdp_filter'],
  ['cgroup/connect4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET4_CONNECT, 0, ''],
  ['syscall', uapi.BPF_PROG_TYPE_SYSCALL, 0, uapi.BPF_F_SLEEPABLE, ''],
  ['struct_ops', uapi.BPF_PROG_TYPE_STRUCT_OPS, 0, 0, ''],
])('%s represents its program type', (name, progType, attachType, flags, extra) => {
  expect(programTypeOf(name)).toMatchObject({
    progType,
    expectedAttachType: attachType,
    flags,
    extra,
    autoload: true,
  });
});

test.each(['xdp/foo', 'xdp_filter', 'tcc', 'kprobefoo', '', '/', '.text', '__proto__', 'fentry.x/f'])(
  '%s represents no program type',
  name => {
    expect(programTypeOf(name)).toBeUndefined();
  },
);

test('a question mark switches loading off and is not part of the name', () => {
  expect(programTypeOf('?fexit/foo')).toMatchObject({ section: 'fexit', extra: 'foo', autoload: false });
});

test('a section with too much after a known name gets a suggestion', () => {
  expect(suggestSectionName('xdp/filter')).toBe('xdp');
  expect(suggestSectionName('xdp_filter')).toBe('xdp');
  expect(suggestSectionName('nothing')).toBeUndefined();
});

test('no name is in the table twice', () => {
  expect(knownSectionNames()).toHaveLength(105);
});

/** Names that libbpf 1.1 does not know, so that no oracle compares them: section, attach type, sleepable. */
test.each<readonly [string, number, boolean]>([
  ['kprobe.session', uapi.BPF_TRACE_KPROBE_SESSION, false],
  ['uprobe.multi', uapi.BPF_TRACE_UPROBE_MULTI, false],
  ['uretprobe.multi', uapi.BPF_TRACE_UPROBE_MULTI, false],
  ['uprobe.session', uapi.BPF_TRACE_UPROBE_SESSION, false],
  ['uprobe.multi.s', uapi.BPF_TRACE_UPROBE_MULTI, true],
  ['uretprobe.multi.s', uapi.BPF_TRACE_UPROBE_MULTI, true],
  ['uprobe.session.s', uapi.BPF_TRACE_UPROBE_SESSION, true],
  ['tcx/ingress', uapi.BPF_TCX_INGRESS, false],
  ['tcx/egress', uapi.BPF_TCX_EGRESS, false],
  ['tc/ingress', uapi.BPF_TCX_INGRESS, false],
  ['tc/egress', uapi.BPF_TCX_EGRESS, false],
  ['netkit/primary', uapi.BPF_NETKIT_PRIMARY, false],
  ['netkit/peer', uapi.BPF_NETKIT_PEER, false],
  ['fsession', uapi.BPF_TRACE_FSESSION, false],
  ['fsession.s', uapi.BPF_TRACE_FSESSION, true],
])('%s', (section, attachType, sleepable) => {
  const type = programTypeOf(section);
  expect(type?.expectedAttachType).toBe(attachType);
  expect(((type?.flags ?? 0) & uapi.BPF_F_SLEEPABLE) !== 0).toBe(sleepable);
});

test('every program type has a section', () => {
  const reached = new Set(knownSectionNames().map(name => programTypeOf(name)?.progType));
  const known = Array.from({ length: uapi.PROG_TYPE_COUNT - 1 }, (_, at) => at + 1);
  expect(known.filter(type => !reached.has(type)).map(uapi.progTypeName)).toEqual([]);
});

test('words for numbers come from the right place in their enum', () => {
  expect(uapi.progTypeName(uapi.BPF_PROG_TYPE_NETFILTER)).toBe('netfilter');
  expect(uapi.mapTypeName(uapi.BPF_MAP_TYPE_ARENA)).toBe('arena');
  expect(uapi.attachTypeName(uapi.BPF_TRACE_UPROBE_SESSION)).toBe('trace_uprobe_session');
  expect(uapi.mapTypeName(4711)).toBe('map type 4711');
});
