/** Netlink requests that a signal interrupts are made again. */

import { expect, test } from 'vitest';
import { EINTR } from '../../uapi/errno.ts';
import { openSys } from '../open/koffi.ts';
import type { Sys, SyscallName } from '../sys/sys.ts';
import { listInterfaces } from './interface-facts.ts';

/** Netlink needs no rights. */
const sys = openSys({ requireRights: false });

test('a request and its answer, each interrupted twice', () => {
  const interruptions = new Map<SyscallName, number>();
  const interrupted: Sys = {
    syscall(name, ...args) {
      const count = interruptions.get(name) ?? 0;
      const isLeft = (name === 'sendto' || name === 'recvfrom') && count < 2;
      if (isLeft) interruptions.set(name, count + 1);
      return isLeft ? -EINTR : sys.syscall(name, ...args);
    },
    addressOf: bytes => sys.addressOf(bytes),
    view: (address, length) => sys.view(address, length),
    poll: (fd, onReadable) => sys.poll(fd, onReadable),
  };
  expect(listInterfaces(interrupted).map(({ name }) => name)).toContain('lo');
  expect([...interruptions]).toEqual([
    ['sendto', 2],
    ['recvfrom', 2],
  ]);
});
