/** Decisions of the leader of a rollout, with simulated hosts and time. */

import { describe, expect, test } from 'vitest';
import type { HostState, HostStatus } from '../agent/status.ts';
import { placeOf } from '../desired/selector.ts';
import { type HostView, nextStep } from './next.ts';
import { parseShare, parseWaves, type Rollout } from './rollout.ts';

const ROLLOUT: Rollout = {
  revision: 2,
  base: 1,
  waves: [{ hosts: 1 }, { share: 0.1 }, { share: 1 }],
  bounds: { mostDropped: 0.2, mostAborted: 0.01, settle: 60, timeout: 600 },
  salt: 's',
  state: 'running',
  wave: -1,
  upTo: 0,
  since: 0,
  converged: null,
  replacement: null,
  causes: [],
  author: 'me',
};

function status(host: string, changes: Partial<HostStatus> = {}): HostStatus {
  return {
    ...{ host, state: 'running', revision: 1, content: '', attempted: 1, labels: new Map(), problems: [] },
    ...{ hooks: [], rates: [], kernel: '', applied: 0, time: 0 },
    ...changes,
  };
}

const NAMES = Array.from({ length: 20 }, (_, at) => `host-${at}`).sort(
  (a, b) => placeOf('s', a) - placeOf('s', b),
);
const view = (host: string, changes: Partial<HostStatus> = {}, more: Partial<HostView> = {}): HostView => ({
  ...{ host, status: status(host, changes), isAlive: true, isDrained: false },
  ...more,
});
const FLEET = NAMES.map(host => view(host));
const [FIRST = ''] = NAMES;
/** The fleet with another view of its first host. */
const withFirst = (changes: Partial<HostStatus>, more: Partial<HostView> = {}): HostView[] => [
  view(FIRST, changes, more),
  ...FLEET.slice(1),
];
const GOOD: Partial<HostStatus> = { revision: 2, attempted: 2 };
const WAVE: Rollout = { ...ROLLOUT, wave: 0, upTo: placeOf('s', FIRST) };

test('waves: exactly so many hosts, in the same order for all who compute it', () => {
  const steps = [-1, 0, 1].map(wave =>
    nextStep(
      { ...WAVE, wave, upTo: wave < 0 ? 0 : placeOf('s', NAMES[wave === 0 ? 0 : 1] ?? ''), converged: 0 },
      FLEET.map(({ host }) => view(host, GOOD)),
      60_000,
    ),
  );
  expect(steps).toMatchObject([
    { kind: 'advance', wave: 0, hosts: 1, upTo: placeOf('s', FIRST) },
    { kind: 'advance', wave: 1, hosts: 2, upTo: placeOf('s', NAMES[1] ?? '') },
    { kind: 'advance', wave: 2, hosts: 20, upTo: 1 },
  ]);
});

test('hosts that are gone or drained are not counted', () => {
  const fleet = FLEET.map((one, at) => ({ ...one, isAlive: at > 0, isDrained: at === 1 }));
  expect(nextStep(ROLLOUT, fleet, 0)).toMatchObject({
    kind: 'advance',
    hosts: 1,
    upTo: placeOf('s', NAMES[2] ?? ''),
  });
});

const rates = (dropped: number, aborted = 0, packets = 10) => ({
  rates: [{ hook: 'xdp on eth0', seconds: 9, packets, dropped, aborted }],
});
const bad = (state: HostState): Partial<HostStatus> => ({
  ...{ state, attempted: 2 },
  problems: [{ code: 'x', where: [], message: 'why', hint: '' }],
});

const JUDGED: readonly (readonly [string, Rollout, readonly HostView[], number, object])[] = [
  ['nothing is reported yet', WAVE, FLEET, 1000, { kind: 'wait' }],
  ['it is being applied', WAVE, withFirst({ state: 'applying', attempted: 2 }), 1000, { kind: 'wait' }],
  ['the registry is away for a while', WAVE, withFirst(bad('registry-away')), 1000, { kind: 'wait' }],
  [
    'and for too long',
    WAVE,
    withFirst(bad('registry-away')),
    601_000,
    { kind: 'roll-back', causes: [`${FIRST}: registry-away after 600 s`] },
  ],
  ['all have it', WAVE, withFirst(GOOD), 1000, { kind: 'settle' }],
  [
    'no document is about the host',
    WAVE,
    withFirst({ ...GOOD, state: 'no-match' }),
    1000,
    { kind: 'settle' },
  ],
  ['it is watched', { ...WAVE, converged: 1000 }, withFirst(GOOD), 2000, { kind: 'wait' }],
  [
    'no rates since',
    { ...WAVE, converged: 1000 },
    withFirst({ ...GOOD, hooks: [{ hook: 'h', action: 'change', members: [] }], applied: 50, time: 60 }),
    62_000,
    { kind: 'wait', why: 'no rates yet of 1 host' },
  ],
  [
    'never any rates',
    { ...WAVE, converged: 1000 },
    withFirst({ ...GOOD, hooks: [{ hook: 'h', action: 'change', members: [] }] }),
    601_000,
    { kind: 'roll-back' },
  ],
  [
    'good',
    { ...WAVE, converged: 1000 },
    withFirst({
      ...GOOD,
      hooks: [{ hook: 'h', action: 'change', members: [] }],
      time: 31_000,
      ...rates(0.2, 0.01),
    }),
    62_000,
    { kind: 'advance', wave: 1 },
  ],
  [
    'drops too much',
    WAVE,
    withFirst({ ...GOOD, ...rates(0.21) }),
    1000,
    { kind: 'roll-back', causes: [`${FIRST}: xdp on eth0: 21 % of packets are dropped, more than 20 %`] },
  ],
  ['aborts too much', WAVE, withFirst({ ...GOOD, ...rates(0, 0.02) }), 1000, { kind: 'roll-back' }],
  ['shares of no packets', WAVE, withFirst({ ...GOOD, ...rates(1, 1, 0) }), 1000, { kind: 'settle' }],
  ['rates of the revision before', WAVE, withFirst(rates(1)), 1000, { kind: 'wait' }],
  [
    'the verifier refuses',
    WAVE,
    withFirst(bad('verifier-refused')),
    1000,
    { kind: 'roll-back', causes: [`${FIRST}: verifier-refused: why`] },
  ],
  [
    'a failure before the rollout',
    WAVE,
    withFirst({ ...bad('failed'), attempted: 1 }),
    1000,
    { kind: 'wait' },
  ],
  [
    'the agent is gone since it began',
    WAVE,
    withFirst({ state: 'applying', attempted: 2 }, { isAlive: false }),
    1000,
    { kind: 'roll-back', causes: [`${FIRST}: its agent is gone since it began with the revision`] },
  ],
  ['the agent was gone before', WAVE, withFirst({}, { isAlive: false }), 1000, { kind: 'settle' }],
  ['drained meanwhile', WAVE, withFirst(bad('failed'), { isDrained: true }), 1000, { kind: 'settle' }],
  ['a new host without a report', WAVE, [{ ...view(FIRST), status: undefined }], 1000, { kind: 'wait' }],
  [
    'the last wave is good',
    { ...WAVE, wave: 2, upTo: 1, converged: 0 },
    FLEET.map(({ host }) => view(host, GOOD)),
    60_000,
    { kind: 'finish' },
  ],
];

test.each(JUDGED)('%s', (_, rollout, hosts, now, expected) => {
  expect(nextStep(rollout, hosts, now)).toMatchObject(expected);
});

describe('going back', () => {
  const back: Rollout = { ...WAVE, state: 'rolling-back', replacement: 3, since: 0 };

  test('ends when no host has the bad revision', () => {
    expect(nextStep(back, withFirst(GOOD), 1000)).toMatchObject({ kind: 'wait' });
    expect(
      nextStep(back, withFirst({ revision: 1, attempted: 2, state: 'verifier-refused' }), 1000),
    ).toMatchObject({ kind: 'wait' });
    expect(nextStep(back, withFirst({ revision: 3, attempted: 3 }), 1000)).toEqual({ kind: 'end', left: [] });
  });

  test('or says which ones have it', () => {
    expect(nextStep(back, withFirst(GOOD), 601_000)).toEqual({ kind: 'end', left: [FIRST] });
  });
});

test('waves and shares as text', () => {
  expect(parseWaves('1,1%,10%,all')).toEqual([{ hosts: 1 }, { share: 0.01 }, { share: 0.1 }, { share: 1 }]);
  expect(parseWaves('5')).toEqual([{ hosts: 5 }, { share: 1 }]);
  for (const text of ['', '0', '1.5', '101%', 'x', '1,,2', Array.from({ length: 40 }, () => '1').join(',')])
    expect(() => parseWaves(text)).toThrow(expect.objectContaining({ code: 'fleet-option' }));
  expect([parseShare('--x', '5%'), parseShare('--x', '0.05'), parseShare('--x', '1')]).toEqual([
    0.05, 0.05, 1,
  ]);
  for (const text of ['', '-1', '101%', '2', 'x'])
    expect(() => parseShare('--x', text)).toThrow('is not a share');
});
