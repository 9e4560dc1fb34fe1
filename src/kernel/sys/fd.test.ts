import { expect, test } from 'vitest';
import { FakeSys } from './fake.ts';
import { Fd } from './fd.ts';

test('a descriptor is closed once and unusable afterwards', () => {
  const sys = new FakeSys();
  const fd = Fd.adopt(sys, sys.openFd());
  expect(fd.number).toBe(10);
  fd.close();
  fd.close();
  expect(sys.calls.filter(call => call.name === 'close')).toHaveLength(1);
  expect(() => fd.number).toThrow(expect.objectContaining({ code: 'kernel-fd-closed' }));
});

test.each([0, 1, 2])('number %d is moved out of the way of standard input and output', low => {
  const sys = new FakeSys(undefined, low);
  const fd = Fd.adopt(sys, sys.openFd());
  expect(fd.number).toBeGreaterThanOrEqual(3);
  expect([...sys.openFds]).toEqual([fd.number]);
});

test('a duplicate has its own life', () => {
  const sys = new FakeSys();
  const fd = Fd.adopt(sys, sys.openFd());
  const copy = fd.duplicate();
  fd.close();
  expect([...sys.openFds]).toEqual([copy.number]);
});
