/** Messages about generated programs name the hook, and keep everything else. */

import { expect, test } from 'vitest';
import { problem, RootletError } from '../../diag/problem.ts';
import { namingHook } from './named.ts';

const HOOK = { kind: 'tc', interface: 'v0', ifindex: 3, netns: 'net:[1]', direction: 'egress' } as const;

test('notes', () => {
  const made = namingHook(HOOK, '<chain>', () => ({ id: 7, notes: ['<chain>: a', 'member.o: b'] }));
  expect(made).toEqual({ id: 7, notes: ['interface "v0" egress: a', 'member.o: b'] });
});

test('problems, with their details and their cause', () => {
  const cause = new Error('refused');
  const found = problem('kernel-verifier-refused', ['<chain>', 'a.c:5'], 'is refused', {
    details: ['source: x = "<chain>";'],
  });
  try {
    namingHook(HOOK, '<chain>', () => {
      throw new RootletError([found], { cause });
    });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(RootletError);
    expect(error).toMatchObject({
      cause,
      problems: [{ ...found, where: ['interface "v0" egress', 'a.c:5'] }],
    });
  }
  expect(() =>
    namingHook(HOOK, '<chain>', () => {
      throw cause;
    }),
  ).toThrow(cause);
});
