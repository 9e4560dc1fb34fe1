/** What is decided of a dispatcher of which only the pins are visible. */

import { expect, test } from 'vitest';
import type { Survey } from '../../kernel/index.ts';
import type { PinnedDispatcher } from '../libxdp/index.ts';
import { type Circumstances, judgeDispatcher } from './judge.ts';

const DISPATCHER: PinnedDispatcher = {
  ifindex: 3,
  programId: 7,
  path: '/xdp/dispatch-3-7',
  slots: [],
  unknown: [],
};
const SURVEY: Survey = { interfaces: [], attached: [], seen: new Set(), gaps: [], hidden: [] };
const known = (programs: Circumstances['programs']): Circumstances => ({
  survey: SURVEY,
  dispatchers: [DISPATCHER],
  programs,
  holders: new Map(),
});

test('programs that are not visible decide nothing: something may hold it and be about to attach it', () => {
  expect(judgeDispatcher(DISPATCHER, known(new Set()))).toMatchObject({ kind: 'stale' });
  expect(judgeDispatcher(DISPATCHER, known(new Set([7])))).toMatchObject({ kind: 'stale' });
  expect(judgeDispatcher(DISPATCHER, known(null))).toMatchObject({
    kind: 'undecided',
    reason: expect.stringContaining('CAP_SYS_ADMIN'),
  });
});
