import { expect, test } from 'vitest';
import * as commands from '../../uapi/commands.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { FakeSys } from '../sys/fake.ts';
import { liftMemlock } from './memlock.ts';

/** What a kernel of this name is asked and told; `counts`: it lacks what came with accounting by cgroups. */
function callsOf(kernel: string, counts: boolean): string[] {
  const calls: string[] = [];
  const sys = new FakeSys(call => {
    calls.push(call.name);
    if (call.name === 'prlimit64') return 0;
    return counts && call.command === commands.BPF_PROG_LOAD ? -EINVAL : undefined;
  });
  liftMemlock(sys, kernel);
  return calls.filter(name => name !== 'close');
}

test.each([
  ['5.10.0-30-amd64', true, true],
  ['5.4.17-2136.el8', true, true],
  ['4.18.0-553.el8_10.x86_64', false, false], // a distribution that took the change into its older kernel
  ['nonsense', true, true],
])('%s is asked (lacks it: %s), and the limit is lifted: %s', (kernel, counts, lifted) => {
  const calls = callsOf(kernel, counts);
  expect(calls).toContain('bpf');
  expect(calls.includes('prlimit64')).toBe(lifted);
});

test.each(['5.11.0', '5.15.0-1.2-generic', '6.1.0-40-cloud-amd64', '10.0.0'])('%s is left alone', kernel => {
  expect(callsOf(kernel, true)).toEqual([]);
});
