/** What does not run in the kernel. */

import { expect } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { objectOf } from '../../test/support/objects.ts';
import { openKernelRunner } from './kernel-runner.ts';

const wanted = needs('bpf');
const coded = (code: string) => expect.objectContaining({ code });
const open = (section: string) =>
  openKernelRunner(objectOf('a.o', [{ name: 'p', kind: 'function', section, value: 2 }]), {
    maxEntries: new Map(),
  });

wanted.test('run-short-packet: a packet of less than an Ethernet header', () => {
  const runner = open('xdp');
  expect(runner.run(new Uint8Array(14)).verdict).toBe(2);
  expect(() => runner.run(new Uint8Array(13))).toThrow(coded('run-short-packet'));
  runner.close();
});

wanted.test('run-program-type: a program that does not run on packets', () => {
  expect(() => open('kprobe/f')).toThrow(coded('run-program-type'));
});
