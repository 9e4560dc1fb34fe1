/** What a change did to state: rows for programs, lines for users. */

import { describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { BpfMap } from '../kernel/objects/map.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { encodeU32s } from '../kernel/sys/sys.ts';
import { tinyMap, tinyProgram } from '../store/testing.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../uapi/map-types.ts';
import type { CarriedEntries } from './contents.ts';
import { type Decision, keptFrom, type MapDecision, type PreviousMap, previousOf } from './decision.ts';
import { type MapIdentity, mapKey } from './identity.ts';
import { describeState, losesState, reportState, type StateChange } from './report.ts';
import { kernel } from './testing.ts';

const old = (identity: MapIdentity): PreviousMap => ({
  map: tinyMap(new FakeSys(), 'm'),
  state: { ...identity, contents: null, inner: null },
});
const rules: MapIdentity = { owner: null, name: 'rules' };
const stages: MapIdentity = { owner: 'fw', name: 'stages' };
const bss: MapIdentity = { owner: 'fw', name: '.bss' };
const outgoing: MapIdentity = { owner: 'fw', name: '.bss', version: 1 };

const previous = old(rules);
const DECISIONS: Readonly<Record<Decision['kind'], Decision>> = {
  reuse: { kind: 'reuse', previous },
  pinned: { kind: 'pinned', path: '/sys/fs/bpf/rules' },
  migrate: {
    kind: 'migrate',
    previous,
    variables: [
      { name: 'a', from: 0, to: 8, size: 4 },
      { name: 'b', from: 4, to: 0, size: 4 },
    ],
    lost: [{ name: 'c', reason: 'is gone' }],
  },
  rebuild: { kind: 'rebuild', previous },
  reset: { kind: 'reset', previous, reason: 'max_entries 4 instead of 8' },
  new: { kind: 'new', reason: 'there was none' },
  refuse: { kind: 'refuse', reason: 'another map is pinned there' },
};

/**
 * Rows of one decision about the rootlet's map; a transfer that carried entries over where some are given.
 */
function rowsOf(decision: Decision, identity = rules, entries?: CarriedEntries): StateChange[] {
  const transfer = { entries: new Map(entries === undefined ? [] : [[mapKey(identity), entries]]) };
  return reportState([{ identity, decision }], [], transfer);
}

test('the map that a decision keeps, and the one that it is about', () => {
  const kinds = (of: (decision: Decision) => PreviousMap | undefined) =>
    Object.values(DECISIONS).flatMap(decision => (of(decision) === undefined ? [] : decision.kind));
  expect(kinds(keptFrom)).toEqual(['reuse', 'migrate', 'rebuild']);
  expect(kinds(previousOf)).toEqual(['reuse', 'migrate', 'rebuild', 'reset']);
});

describe('rows', () => {
  test('say whose a map is, with the version of an outgoing component', () => {
    const decisions = [rules, bss, outgoing].map(identity => ({ identity, decision: DECISIONS.new }));
    expect(reportState(decisions, [], undefined)).toMatchObject([
      { key: 'rules', component: null, map: 'rules' },
      { key: 'fw:.bss', component: 'fw', map: '.bss' },
      { key: 'fw@1:.bss', component: 'fw@1', map: '.bss' },
    ]);
  });

  test.each(Object.values(DECISIONS).map(decision => [decision.kind, decision] as const))(
    '%s',
    (kind, decision) => {
      const reason = 'reason' in decision ? decision.reason : '';
      const migrated = kind === 'migrate';
      expect(rowsOf(decision)).toEqual([
        {
          key: 'rules',
          component: null,
          map: 'rules',
          kind,
          reason,
          from: null,
          variables: migrated ? ['a', 'b'] : [],
          lost: migrated ? [{ name: 'c', reason: 'is gone' }] : [],
          entries: null,
        },
      ]);
    },
  );

  test('name the component that state was taken over from', () => {
    const identity: MapIdentity = { owner: 'wall', name: 'rules' };
    const decision: Decision = { kind: 'reuse', previous: old({ owner: 'fw', name: 'rules' }) };
    expect(rowsOf(decision, identity)[0]?.from).toBe('fw');
    const version: Decision = { kind: 'reuse', previous: old({ ...identity, version: 1 }) };
    expect(rowsOf(version, identity)[0]?.from).toBeNull();
  });

  test('what is dropped comes last, with its reason', () => {
    const decisions: MapDecision[] = [{ identity: rules, decision: DECISIONS.reuse }];
    const dropped = [{ identity: bss, reason: 'fw no longer fills a slot' }];
    expect(
      reportState(decisions, dropped, undefined).map(({ key, kind, reason }) => [key, kind, reason]),
    ).toEqual([
      ['rules', 'reuse', ''],
      ['fw:.bss', 'dropped', 'fw no longer fills a slot'],
    ]);
  });
});

needs('bpf').test('a plan counts the entries that were changed at run time', () => {
  using map = BpfMap.create(kernel, {
    name: 'stages',
    type: BPF_MAP_TYPE_PROG_ARRAY,
    keySize: 4,
    valueSize: 4,
    maxEntries: 4,
  });
  using program = tinyProgram(kernel, 'stage');
  for (const index of [0, 2, 3]) map.update(encodeU32s([index]), encodeU32s([program.fd.number]));
  const contents = new Map([[0, program.info().id]]);
  const decision: Decision = {
    kind: 'rebuild',
    previous: { map, state: { ...stages, contents, inner: null } },
  };
  const [row] = reportState([{ identity: stages, decision }], [], undefined);
  expect(row?.entries).toEqual({ carried: 2, lost: [] });
});

describe('lines', () => {
  const carried = (count: number, ...lost: readonly string[]): CarriedEntries => ({ carried: count, lost });
  const dropped = reportState([], [{ identity: bss, reason: 'fw no longer fills a slot' }], undefined);
  const takenOver = rowsOf({ kind: 'reuse', previous: old(bss) }, { owner: 'wall', name: '.bss' });
  const { migrate } = DECISIONS;

  test.each<[what: string, rows: readonly StateChange[], lines: readonly string[], loses: boolean]>([
    ['kept', rowsOf(DECISIONS.reuse), ['state kept: rules'], false],
    ['pinned', rowsOf(DECISIONS.pinned), ['state kept: rules (pinned)'], false],
    ['rebuilt', rowsOf(DECISIONS.rebuild, stages, carried(0)), ['state kept: fw:stages (new array)'], false],
    [
      'copied',
      rowsOf(migrate),
      ['state copied: rules: a, b', 'state reset: rules: variable c is gone'],
      true,
    ],
    ['reset', rowsOf(DECISIONS.reset), ['state reset: rules: max_entries 4 instead of 8'], true],
    ['dropped', dropped, ['state dropped: fw:.bss: fw no longer fills a slot'], true],
    ['refused', rowsOf(DECISIONS.refuse), ['refused: rules: another map is pinned there'], false],
    ['new', rowsOf(DECISIONS.new), [], false],
    ['taken over', takenOver, ['state kept: wall:.bss (from fw)'], false],
  ])('%s', (_, rows, lines, loses) => {
    expect(describeState(rows)).toEqual(lines);
    expect(rows.some(losesState)).toBe(loses);
  });

  test.each<[entries: CarriedEntries, lines: readonly string[], loses: boolean]>([
    [carried(1), ['state kept: rules (new array, 1 entry changed at run time carried over)'], false],
    [carried(2), ['state kept: rules (new array, 2 entries changed at run time carried over)'], false],
    [
      carried(0, 'entry 2 was a program'),
      ['state kept: rules (new array)', 'state dropped: rules: entry 2 was a program'],
      true,
    ],
  ])('of an array that was rebuilt: %j', (entries, lines, loses) => {
    const rows = rowsOf(DECISIONS.rebuild, rules, entries);
    expect(describeState(rows)).toEqual(lines);
    expect(rows.some(losesState)).toBe(loses);
  });

  test('one line for all that is kept; new ones on request', () => {
    const rows = [
      ...rowsOf(DECISIONS.reuse),
      ...rowsOf(DECISIONS.new, bss),
      ...rowsOf(DECISIONS.pinned, outgoing),
    ];
    expect(describeState(rows)).toEqual(['state kept: rules, fw@1:.bss (pinned)']);
    expect(describeState(rows, true)).toEqual([
      'state kept: rules, fw@1:.bss (pinned)',
      'new: fw:.bss: there was none',
    ]);
    expect(describeState([])).toEqual([]);
  });
});
