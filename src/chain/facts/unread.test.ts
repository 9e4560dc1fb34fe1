/** Which entries that could not be read stop a command that looks for a chain. */

import { expect, test } from 'vitest';
import { platformError, RootletError } from '../../diag/problem.ts';
import type { BrokenEntry, Store } from '../../store/store.ts';
import { EACCES, EBUSY, ENOENT, EPERM } from '../../uapi/errno.ts';
import { isFailedCall, requireReadEntries } from './unread.ts';

const failed = (errno?: number) =>
  platformError('store-file', ['hook "xdp-va"'], 'opening', errno === undefined ? {} : { errno });

function broken(errno: number | undefined, entryKind: BrokenEntry['entryKind'] = 'hook'): BrokenEntry {
  const { problems } = failed(errno);
  return { kind: 'broken', entryKind, name: 'xdp-va', path: '/store/hooks/xdp-va', problems };
}

/** A store in which the pins of each entry hold these programs. */
function holding(ids: readonly number[], complete = true): Store {
  const programs = ids.map(id => ({ info: () => ({ id }), close: () => {} }));
  return { openPins: () => ({ programs, links: [], complete }) } as unknown as Store; // the only method that is called
}

test.each([EPERM, EACCES, EBUSY])('errno %i: the entry may be the chain', errno => {
  const required = () => requireReadEntries(holding([5]), [broken(errno)], () => [4, 5]);
  expect(required).toThrow('hook "xdp-va": opening');
  try {
    required();
  } catch (error) {
    const [problem] = error instanceof RootletError ? error.problems : [];
    expect(problem?.hint).toContain('rootlet detach xdp-va --force');
  }
});

test('an entry whose pins hold nothing that runs on the hook is another one; unless pins cannot be opened', () => {
  expect(() => requireReadEntries(holding([5]), [broken(EPERM)], () => [4])).not.toThrow();
  expect(() => requireReadEntries(holding([], false), [broken(EPERM)], () => [4])).toThrow('opening');
});

test('damaged contents, a pin that is missing and objects stop nothing', () => {
  expect(() =>
    requireReadEntries(holding([5]), [broken(undefined), broken(ENOENT), broken(EPERM, 'object')], () => [5]),
  ).not.toThrow();
});

test('a call that failed, and an answer without a call', () => {
  expect(isFailedCall(failed(EPERM))).toBe(true);
  expect(isFailedCall(failed())).toBe(false);
});
