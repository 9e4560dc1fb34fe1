import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { BPF_BTF_LOAD, BPF_PROG_LOAD } from '../../uapi/commands.ts';
import { EINVAL, EPERM } from '../../uapi/errno.ts';
import { FakeSys } from '../sys/fake.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { FEATURES, type Feature, mayHave, probeFeature } from './features.ts';

const { sys, reason } = kernelForTests();
const names = Object.keys(FEATURES) as Feature[]; // the keys of a constant
const [major = 0, minor = 0] = release().split('.').map(Number);

/** A missing feature is excused only on a kernel that is older than it. */
const isOlder = (since: string) => {
  const [a = 0, b = 0] = since.split('.').map(Number);
  return major < a || (major === a && minor < b);
};

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();

  test.each(names)('%s', feature => {
    const before = countFds();
    const answer = probeFeature(kernel, feature);
    expect(countFds()).toBe(before);
    if (!isOlder(FEATURES[feature])) expect(answer).toEqual({ state: 'yes' });
  });
});

test('a refusal is a no, and is asked for once', () => {
  const fake = new FakeSys(call => (call.command === BPF_BTF_LOAD ? -EINVAL : undefined));
  expect(probeFeature(fake, 'btfFloat')).toEqual({ state: 'no' });
  expect(probeFeature(fake, 'btfFloat')).toEqual({ state: 'no' });
  expect(mayHave(fake, 'btfFloat')).toBe(false);
  expect(fake.commands()).toEqual([BPF_BTF_LOAD]);
});

test('missing rights are no answer, and are asked for again', () => {
  const fake = new FakeSys(call => (call.command === BPF_PROG_LOAD ? -EPERM : undefined));
  expect(probeFeature(fake, 'objectNames')).toMatchObject({
    state: 'unknown',
    reason: expect.stringContaining('EPERM'),
  });
  expect(mayHave(fake, 'objectNames')).toBe(true);
  expect(fake.commands()).toHaveLength(2);
});

test.each(names)('%s leaves nothing open, whatever the kernel says', feature => {
  for (let n = 0; n < 3; n++) {
    let seen = 0;
    const fake = new FakeSys(call => (call.name === 'bpf' && seen++ === n ? -EINVAL : undefined));
    probeFeature(fake, feature);
    expect([...fake.openFds]).toEqual([]);
  }
});
