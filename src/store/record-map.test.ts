/** Records that the kernel does not take. */

import { expect, test } from 'vitest';
import { FakeSys } from '../kernel/sys/fake.ts';
import { BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM } from '../uapi/commands.ts';
import { E2BIG, ENOMEM, EPERM } from '../uapi/errno.ts';
import { createRecordMap } from './record-map.ts';

const failing = (wanted: number, errno: number) =>
  new FakeSys(({ command }) => (command === wanted ? -errno : undefined));

test.each([
  ['store-record-size', BPF_MAP_CREATE, E2BIG],
  ['store-record-size', BPF_MAP_CREATE, ENOMEM],
  ['store-record-size', BPF_MAP_UPDATE_ELEM, ENOMEM],
  ['kernel-map-create', BPF_MAP_CREATE, EPERM],
])('%s: command %i fails with errno %i', (code, command, errno) => {
  const sys = failing(command, errno);
  expect(() => createRecordMap(sys, new Uint8Array(8))).toThrow(expect.objectContaining({ code }));
  expect([...sys.openFds]).toEqual([]);
});
