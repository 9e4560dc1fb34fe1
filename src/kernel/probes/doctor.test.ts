import { describe, expect, test } from 'vitest';
import { BPF_PROG_LOAD } from '../../uapi/commands.ts';
import { EINVAL, EPERM } from '../../uapi/errno.ts';
import { FakeSys } from '../sys/fake.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { environmentFindings, examine, examineWith, type MachineTexts } from './doctor.ts';

const { sys, reason } = kernelForTests();

const TEXTS: MachineTexts = {
  status: 'CapEff:\t000001ffffffffff\n',
  mounts: 'bpf /sys/fs/bpf bpf rw 0 0\n',
  lockdown: '[none] integrity confidentiality\n',
  jit: '1\n',
  unprivileged: '2\n',
  securityModules: 'capability,bpf',
  hasBtf: true,
};

test('a machine where all is well', () => {
  expect(environmentFindings(TEXTS).filter(finding => finding.state !== 'ok')).toEqual([]);
});

test.each([
  ['cap-net-admin', { status: `CapEff:\t${(1n << 39n).toString(16)}\n` }],
  ['bpffs', { mounts: 'sysfs /sys/fs/bpf sysfs rw 0 0\n' }],
  ['lockdown', { lockdown: 'none integrity [confidentiality]\n' }],
  ['jit', { jit: '0\n' }],
  ['btf', { hasBtf: false }],
  ['lsm', { securityModules: 'capability,yama' }],
] as const)('%s is missed, and says what to do', (id, change) => {
  const found = environmentFindings({ ...TEXTS, ...change }).find(finding => finding.id === id);
  expect(found).toMatchObject({ state: 'missing', fix: expect.stringMatching(/\w{4}/) });
});

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('everyday types are there, and nothing is left open', () => {
    const before = countFds();
    const report = examine(sys ?? new FakeSys());
    expect(countFds()).toBe(before);
    const stateOf = (id: string) =>
      [...report.programTypes, ...report.mapTypes, ...report.attachments, ...report.features].find(
        finding => finding.id === id,
      )?.state;
    for (const name of ['xdp', 'sched_cls', 'socket_filter', 'cgroup_skb', 'sk_lookup'])
      expect([name, stateOf(`program-type-${name}`)]).toEqual([name, 'ok']);
    for (const name of [
      'hash',
      'array',
      'percpu_array',
      'lpm_trie',
      'ringbuf',
      'array_of_maps',
      'sk_storage',
      'queue',
    ])
      expect([name, stateOf(`map-type-${name}`)]).toEqual([name, 'ok']);
    expect(stateOf('attach-cgroup')).toBe('ok');
    expect(report.programTypes).toHaveLength(32);
    expect(report.mapTypes).toHaveLength(34);
    expect(new Set(report.mapTypes.map(finding => finding.id)).size).toBe(34);
  });
});

test.each([
  ['an old kernel', EINVAL, 'missing'],
  ['missing rights', EPERM, 'unknown'],
] as const)('%s is distinguished from the others', (_, errno, state) => {
  const fake = new FakeSys(call => (call.name === 'bpf' ? -errno : undefined));
  const report = examineWith(fake, TEXTS);
  const states = new Set([...report.programTypes, ...report.features].map(finding => finding.state));
  expect(states).toContain(state);
  expect(states).not.toContain('ok');
  expect([...fake.openFds]).toEqual([]);
});

test('whatever a kernel has not comes with what to do', () => {
  const fake = new FakeSys(call => (call.name === 'bpf' ? -EINVAL : undefined));
  const { programTypes, mapTypes, attachments, features } = examineWith(fake, TEXTS);
  const missing = [...programTypes, ...mapTypes, ...attachments, ...features].filter(
    ({ state }) => state === 'missing',
  );
  expect(missing.length).toBeGreaterThan(70);
  expect(missing.filter(({ fix }) => fix === undefined)).toEqual([]);
  expect(mapTypes.find(({ id }) => id === 'map-type-arena')?.fix).toContain('Linux 6.9');
});

test('a refusal in spite of all rights is the kernel’s own', () => {
  const fake = new FakeSys(call => (call.name === 'bpf' ? -EPERM : undefined));
  expect(
    examineWith(fake, TEXTS).attachments.find(finding => finding.id === 'attach-replacement'),
  ).toMatchObject({
    state: 'missing',
    detail: expect.stringContaining('although the privileges suffice'),
  });
  expect(examineWith(fake, { ...TEXTS, status: '' }).attachments[0]?.state).toBe('unknown');
});

test('types that a kernel accepts only with a target are distinguished by its message', () => {
  const fake = new FakeSys((call, kernel) => {
    if (call.command !== BPF_PROG_LOAD) return undefined;
    const view = new DataView(call.attr.buffer);
    const type = view.getUint32(0, true);
    const log = view.getBigUint64(32, true);
    if ((type !== 26 && type !== 28) || log === 0n) return undefined;
    kernel
      .memory(log)
      .set(new TextEncoder().encode(type === 26 ? 'attach_btf_id 1 is not a function\n' : 'something else'));
    return -EINVAL;
  });
  const report = examineWith(fake, TEXTS);
  const stateOf = (id: string) => report.programTypes.find(finding => finding.id === id)?.state;
  expect([stateOf('program-type-tracing'), stateOf('program-type-ext')]).toEqual(['ok', 'missing']);
});
