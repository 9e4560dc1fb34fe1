/** The reason for a back end is one line of a report, whatever error it comes from. */

import { expect, test } from 'vitest';
import { platformError } from '../../diag/problem.ts';
import { linked } from './choose.ts';

test('an error as the objection is its first line, without the hint', () => {
  const error = platformError('store-untrusted', ['DIR'], 'cannot be trusted', { hint: 'remove it' });
  expect(error.message).toContain('\n');
  const { reason, via } = linked(error.message);
  expect(via).toBe('static');
  expect(reason).toBe('members are linked into one program; not libxdp: DIR: cannot be trusted');
});

test('no objection, no word of libxdp', () => {
  expect(linked('').reason).toBe('members are linked into one program');
});
