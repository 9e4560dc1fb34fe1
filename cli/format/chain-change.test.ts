import { expect, test } from 'vitest';
import { type ChangeReport, type ChangeStyle, changeJson, formatChange } from './chain-change.ts';
import { member, onHook } from './testing.ts';

const kept = { component: 'firewall', from: null, variables: [], lost: [], entries: null } as const;
const before = onHook({ kind: 'chain', members: [member('count'), member('firewall')] });
const after = onHook({
  kind: 'chain',
  members: [
    member('firewall', { priority: 10 }),
    member('count', { continueOn: [] }),
    member('guard', { file: null, continueOn: [2, 3] }),
  ],
});
const REPORT: ChangeReport = {
  before,
  after,
  via: 'static',
  reason: 'freplace is refused by this kernel',
  changed: true,
  state: [
    { ...kept, key: 'firewall:rules', map: 'rules', kind: 'reuse', reason: '' },
    { ...kept, key: 'firewall:rootlet_counts', map: 'rootlet_counts', kind: 'reuse', reason: '' },
    { ...kept, key: 'firewall:.bss', map: '.bss', kind: 'reset', reason: 'on request' },
    { ...kept, key: 'guard:seen', map: 'seen', kind: 'new', reason: 'new map' },
  ],
  droppedSettings: ['variable "limit" is not in "count.bpf.o"'],
  notes: ['a note'],
  optimization: null,
};
const STYLE: ChangeStyle = {
  asked: ['loaded guard on v0', 'would load guard on v0'],
  dryRun: false,
  all: false,
  counters: false,
};

test('a change is its back end, the members in order with the reasons, and what became of state', () => {
  const tie = 'equal priorities run by program name';
  const pad = ' '.repeat(tie.length - 'lower runs first'.length);
  expect(formatChange(REPORT, STYLE)).toBe(
    [
      'loaded guard on v0 (native mode, static: freplace is refused by this kernel), entry xdp-v0',
      `  firewall  runs 1st: priority 10, lower runs first${pad}  continues on XDP_PASS         firewall.bpf.o            was 2nd`,
      `  count     runs 2nd: priority 50, ${tie}  continues on no verdict       count.bpf.o               was 1st`,
      `  guard     runs 3rd: priority 50, ${tie}  continues on XDP_PASS,XDP_TX  (loaded by another tool)  new`,
      'state kept: firewall:rules',
      'state reset: firewall:.bss: on request',
      'setting dropped: variable "limit" is not in "count.bpf.o"',
    ].join('\n'),
  );
});

test('settings in force, and the member that has a new version', () => {
  const settings = { globals: new Map([['limit', 5]]), maxEntries: new Map([['flows', 64]]) };
  const members = [member('firewall', { settings }), member('count')];
  const report = {
    ...REPORT,
    before: onHook({ kind: 'chain', members }),
    after: onHook({ kind: 'chain', members }),
  };
  const text = formatChange(report, { ...STYLE, replaced: 'firewall' });
  expect(text).toMatch(/ {2}firewall .* firewall\.bpf\.o {2}new version\n {2}count .* count\.bpf\.o\n/);
  expect(text).toContain('\nsettings: firewall:limit=5, max-entries firewall:flows=64\n');
});

test('a plan, all of it, and nothing to do', () => {
  const plan = formatChange(REPORT, { ...STYLE, dryRun: true, all: true });
  expect(plan.split('\n')[0]).toMatch(/^would load guard on v0 \(/);
  expect(plan).toContain('\nnew: guard:seen: new map\n');
  expect(plan).toContain('\nstate kept: firewall:rules\n');
  const all = formatChange(REPORT, { ...STYLE, all: true, counters: true });
  expect(all).toContain('\nstate kept: firewall:rules, firewall:rootlet_counts\n');
  const same = { ...REPORT, before: after, changed: false, state: [], droppedSettings: [] };
  expect(formatChange(same, STYLE).split('\n')[0]).toBe('nothing to change: v0 has a chain of 3 members');
  expect(formatChange(same, { ...STYLE, replaced: 'firewall' })).not.toContain('new version');
});

test('counters that a member loses are reported', () => {
  const lost = { ...kept, key: 'firewall:rootlet_counts', map: 'rootlet_counts', reason: 'value size' };
  const text = formatChange({ ...REPORT, state: [{ ...lost, kind: 'reset' }] }, STYLE);
  expect(text).toContain('\nstate reset: firewall:rootlet_counts: value size\n');
});

test('when the last member is gone, so is the program', () => {
  const empty = { ...REPORT, after: onHook(), state: [], droppedSettings: [] };
  const asked = ['unloaded all members from v0', 'would unload all members from v0'] as const;
  expect(formatChange(empty, { ...STYLE, asked })).toBe(
    'unloaded all members from v0; no program is attached any more',
  );
  expect(formatChange({ ...empty, before: onHook(), changed: false }, { ...STYLE, asked })).toBe(
    'nothing to change: v0 has no chain',
  );
});

test('as data it has both chains', () => {
  expect(changeJson(REPORT)).toMatchObject({
    changed: true,
    via: 'static',
    reason: REPORT.reason,
    before: { members: [{ name: 'count' }, { name: 'firewall' }] },
    after: { members: [{ name: 'firewall', position: 1 }, { name: 'count' }, { name: 'guard' }] },
    state: REPORT.state,
    notes: ['a note'],
    optimization: null,
  });
});
