/** Which entries that could not be read stop a command that looks for a chain. */

import { expect, test } from 'vitest';
import { platformError } from '../../diag/problem.ts';
import type { BrokenEntry } from '../../store/store.ts';
import { EACCES, EBUSY, ENOENT, EPERM } from '../../uapi/errno.ts';
import { isFailedCall, requireReadEntries } from './unread.ts';

const failed = (errno?: number) =>
  platformError('store-file', ['hook "xdp-va"'], 'opening', errno === undefined ? {} : { errno });

function broken(errno: number | undefined, entryKind: BrokenEntry['entryKind'] = 'hook'): BrokenEntry {
  const { problems } = failed(errno);
  return { kind: 'broken', entryKind, name: 'xdp-va', path: '/store/hooks/xdp-va', problems };
}

test.each([EPERM, EACCES, EBUSY])('errno %i: the entry may be the chain', errno => {
  expect(() => requireReadEntries([broken(errno)])).toThrow('hook "xdp-va": opening');
});

test('damaged contents, a pin that is missing and objects stop nothing', () => {
  expect(() =>
    requireReadEntries([broken(undefined), broken(ENOENT), broken(EPERM, 'object')]),
  ).not.toThrow();
});

test('a call that failed, and an answer without a call', () => {
  expect(isFailedCall(failed(EPERM))).toBe(true);
  expect(isFailedCall(failed())).toBe(false);
});
