/** New versions of loaded providers: code, state, every consumer, and the way back. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bugError, RootletError } from '../../../src/diag/problem.ts';
import { OBJECT_FILE } from '../../../src/dynamic/entries/registry.ts';
import { type UpgradeOptions, upgrade } from '../../../src/dynamic/upgrade/upgrade.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { Store } from '../../../src/store/store.ts';
import { needs } from '../../support/needs.ts';
import { kindsOf } from '../slots/support.ts';
import { loadStored, runStored } from './stored.ts';
import { compiled, type TestStore, testStore } from './support.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;
const MAP = (entries: number) => `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ${entries}); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
static void see(void) { __u32 at = 0; __u64 *n = bpf_map_lookup_elem(&seen, &at); if (n) *n += 1; }`;

const locked = (before: string) => `${HEAD}${MAP(4)} ${before}
__hidden struct bpf_spin_lock lock SEC(".bss.own"); __hidden int total SEC(".bss.own");
__attribute__((noinline)) int judge(struct xdp_md *ctx) {
  see();
  bpf_spin_lock(&lock);
  int now = ++total;
  bpf_spin_unlock(&lock);
  return now;
}`;

const host = needs('bpf', 'root', 'clang');
const objects = host.reason === undefined ? sources() : undefined;

function sources() {
  return compiled({
    v1: `${HEAD}${MAP(4)} int total; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); total++; return 1; }`,
    v2: `${HEAD}${MAP(4)} int total; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); total++; return 2; }`,
    moved: `${HEAD}${MAP(4)} long before = 7; long zero; int total; int more; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); more++; zero++; total++; return 3 + (before != 7); }`,
    retyped: `${HEAD}${MAP(4)} int total[2]; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); total[0]++; return 4; }`,
    resized: `${HEAD}${MAP(8)} int total; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); total++; return 5; }`,
    other: `${HEAD}${MAP(4)} int total; __attribute__((noinline)) long judge(struct xdp_md *ctx) { see(); total++; return 6; }`,
    gone: `${HEAD}${MAP(4)} int total; __attribute__((noinline)) int judge2(struct xdp_md *ctx) { see(); total++; return 6; }`,
    broken: `${HEAD}${MAP(4)} int total; __attribute__((noinline)) int judge(struct xdp_md *ctx) { see(); total++; return *(volatile int *)8; }`,
    locked: locked(''),
    relocked: locked('__hidden long before SEC(".bss.own");'),
    user: `${HEAD} extern int judge(struct xdp_md *ctx); SEC("xdp") int user(struct xdp_md *ctx) { return judge(ctx); }`,
    reader: `${HEAD} extern int judge(struct xdp_md *ctx); extern int total; int runs; SEC("xdp") int reader(struct xdp_md *ctx) { runs++; return judge(ctx) * 1000 + total * 10 + runs; }`,
    between: `${HEAD} extern int judge(struct xdp_md *ctx); __attribute__((noinline)) int between(struct xdp_md *ctx) { return judge(ctx) + 50; }`,
    top: `${HEAD} extern int between(struct xdp_md *ctx); SEC("xdp") int top(struct xdp_md *ctx) { return between(ctx); }`,
  });
}

let testing: TestStore;
let fds = 0;

function upgradeTo(object: BpfObject | undefined, options: Partial<UpgradeOptions> = {}) {
  if (object === undefined) throw new Error('not compiled');
  const files = new Map([[OBJECT_FILE, writeObject(object)]]);
  return upgrade(testing.store, 'provider', object, { source: object.name, files, ...options });
}

function refusalOf(body: () => unknown): RootletError {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

function totalOf(): number {
  const entry = testing.store.find('object', 'provider');
  if (entry === undefined) throw new Error('no provider');
  using seen = testing.store.openMap(entry, 'seen');
  return seen.lookup(new Uint8Array(4))?.[0] ?? -1;
}

host.describe('upgrade', () => {
  if (objects === undefined) return;
  const {
    v1,
    v2,
    locked,
    relocked,
    moved,
    retyped,
    resized,
    other,
    gone,
    broken,
    user,
    reader,
    between,
    top,
  } = objects;

  beforeEach(() => {
    fds = countFds();
    testing = testStore(openSys());
    loadStored(testing.store, 'provider', v1);
  });
  afterEach(() => {
    testing.close();
    expect(countFds()).toBe(fds);
  });

  test('who is loaded again keeps the reason for how it is bound', () => {
    const { store } = testing;
    loadStored(store, 'reader', reader);
    const bindings = () => JSON.stringify(store.find('object', 'reader')?.record.data);
    expect(bindings()).not.toContain('requested');
    expect(upgradeTo(moved).consumers[0]?.how).toEqual(['reload']);
    expect(bindings()).not.toContain('requested');
  });

  describe.each(['tail', 'copy'] as const)('by %s', via => {
    test('every consumer runs the new code on the old state', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      loadStored(store, 'reader', reader, { via });
      expect([runStored(store, 'user', 'user'), runStored(store, 'reader', 'reader')]).toEqual([1, 1021]);
      const report = upgradeTo(v2);
      expect(report.consumers).toEqual(
        [
          { kind: 'object', name: 'reader', how: [via === 'tail' ? 'slot' : 'reload'] },
          { kind: 'object', name: 'user', how: [via === 'tail' ? 'slot' : 'reload'] },
        ].sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
      expect(kindsOf(report.state)).toEqual({ seen: 'reuse', '.bss': 'reuse' });
      expect([runStored(store, 'user', 'user'), runStored(store, 'reader', 'reader')]).toEqual([2, 2042]);
      expect(totalOf()).toBe(4);
      // and again: the second generation can be upgraded as the first
      upgradeTo(v1);
      expect([runStored(store, 'user', 'user'), runStored(store, 'reader', 'reader')]).toEqual([1, 1063]);
    });

    test('variables that moved are copied, and whoever reads them is loaded again', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      loadStored(store, 'reader', reader, { via });
      runStored(store, 'user', 'user');
      expect(runStored(store, 'reader', 'reader')).toBe(1021);
      const report = upgradeTo(moved);
      expect(kindsOf(report.state)).toEqual({ seen: 'reuse', '.data': 'new', '.bss': 'migrate' });
      expect(report.state.find(({ key }) => key === '.bss')).toMatchObject({
        variables: ['total'],
        lost: [],
      });
      expect(report.consumers.find(({ name }) => name === 'reader')?.how).toEqual(['reload']);
      expect(runStored(store, 'reader', 'reader')).toBe(3032); // its own "runs" continues as well
      expect(runStored(store, 'user', 'user')).toBe(3);
      expect(totalOf()).toBe(4);
    });

    test('through another provider', () => {
      const { store } = testing;
      loadStored(store, 'between', between);
      loadStored(store, 'top', top, { via });
      expect(runStored(store, 'top', 'top')).toBe(51);
      upgradeTo(v2);
      expect(runStored(store, 'top', 'top')).toBe(52);
      expect(totalOf()).toBe(2);
    });

    test.each([
      ['another prototype', () => other, 'link-type-mismatch', /long|int/],
      ['a function that is gone', () => gone, 'dynamic-upgrade-gone', /does not define "judge" any more/],
      ['code that the verifier refuses', () => broken, 'kernel-verifier-refused', /judge/],
    ])('%s is refused, and nothing changes', (_, object, code, words) => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      const error = refusalOf(() => upgradeTo(object()));
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
      expect(runStored(store, 'user', 'user')).toBe(1);
      upgradeTo(v2);
      expect(runStored(store, 'user', 'user')).toBe(2);
      expect(totalOf()).toBe(2);
    });

    test('stopped at any step of saving, the old version is there, whole', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      loadStored(store, 'reader', reader, { via });
      expect(runStored(store, 'reader', 'reader')).toBe(1011);
      const recordsOf = () =>
        store.list().map(entry => (entry.kind === 'broken' ? 'broken' : `${entry.name} ${entry.generation}`));
      const before = recordsOf();
      const fdsBefore = countFds();
      let failures = 0;
      for (let stop = 1; ; stop++) {
        let step = 0;
        const failing = Store.open(store.sys, store.root, {
          onStep: name => {
            if (++step === stop && name !== 'remove-old') throw bugError([], `stopped at ${name}`);
          },
        });
        if (moved === undefined) throw new Error('not compiled');
        const files = new Map([[OBJECT_FILE, writeObject(moved)]]);
        try {
          upgrade(failing, 'provider', moved, { source: 'moved.o', files });
          break;
        } catch (error) {
          if (!(error instanceof RootletError) || !error.message.startsWith('stopped at')) throw error;
          failures++;
        }
        expect(recordsOf()).toEqual(before);
        expect(countFds()).toBe(fdsBefore);
        expect(runStored(store, 'user', 'user')).toBe(1);
      }
      expect(failures).toBeGreaterThan(6);
      expect(runStored(store, 'user', 'user')).toBe(3);
      expect(totalOf()).toBe(failures + 2);
    });

    test.each([
      [
        'a variable of another type',
        () => retyped,
        { seen: 'reuse', '.bss': 'reset' },
        /total was int and is int\[2\]/,
        4,
        2,
      ],
      [
        'a map of another size',
        () => resized,
        { seen: 'reset', '.bss': 'reuse' },
        /^max_entries was 4 and is 8$/,
        5,
        1,
      ],
    ])('%s begins again, with the reason; the rest continues', (_, object, kinds, reason, verdict, seen) => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      runStored(store, 'user', 'user');
      const report = upgradeTo(object());
      expect(kindsOf(report.state)).toEqual(kinds);
      expect(report.state.find(({ kind }) => kind === 'reset')?.reason).toMatch(reason);
      expect(runStored(store, 'user', 'user')).toBe(verdict);
      expect(totalOf()).toBe(seen);
    });

    test('state begins again on request: maps, single variables; what does not exist is refused', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      loadStored(store, 'reader', reader, { via });
      runStored(store, 'user', 'user');
      expect(refusalOf(() => upgradeTo(v2, { fresh: ['none'] })).code).toBe('state-fresh');
      const report = upgradeTo(v2, { fresh: ['seen'] });
      expect(report.state).toMatchObject([
        { key: 'seen', kind: 'reset', reason: 'as requested with --fresh' },
        { key: '.bss', kind: 'reuse' },
      ]);
      expect(runStored(store, 'reader', 'reader')).toBe(2021); // "total" went on
      expect(totalOf()).toBe(1);
      expect(kindsOf(upgradeTo(v2, { fresh: ['total'] }).state)).toEqual({ seen: 'reuse', '.bss': 'reset' });
      expect(runStored(store, 'reader', 'reader')).toBe(2012);
      expect(totalOf()).toBe(2);
    });

    test('values stay until they are given again; what no longer fits is listed', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      const first = upgradeTo(moved, { globals: { before: 9 } });
      expect(first.settings).toEqual({ globals: new Map([['before', 9]]), maxEntries: new Map() });
      expect(runStored(store, 'user', 'user')).toBe(4);
      expect(kindsOf(upgradeTo(moved).state)).toMatchObject({ seen: 'reuse', '.data': 'reuse' });
      expect(runStored(store, 'user', 'user')).toBe(4);
      upgradeTo(moved, { globals: { before: 7 } });
      expect(runStored(store, 'user', 'user')).toBe(3);
      const gone = upgradeTo(v1);
      expect(gone.droppedSettings).toEqual(['variable "before" is not in "v1.o"']);
      expect(gone.settings).toEqual({ globals: new Map(), maxEntries: new Map() });
      expect(gone.state.filter(({ kind }) => kind === 'dropped').map(({ key }) => key)).toEqual(['.data']);
    });

    test('a size that was given holds for consumers as well', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      const maxEntries = new Map([['seen', 6]]);
      expect(upgradeTo(v2, { maxEntries }).settings).toEqual({ globals: new Map(), maxEntries });
      expect(runStored(store, 'user', 'user')).toBe(2);
    });

    test('a lock stays where it is, or begins again; what it guards continues', () => {
      const { store } = testing;
      upgradeTo(locked);
      loadStored(store, 'user', user, { via });
      expect([runStored(store, 'user', 'user'), runStored(store, 'user', 'user')]).toEqual([1, 2]);
      expect(kindsOf(upgradeTo(locked).state)).toMatchObject({ '.bss.own': 'reuse' });
      expect(runStored(store, 'user', 'user')).toBe(3);
      const { state } = upgradeTo(relocked);
      expect(state.find(({ key }) => key === '.bss.own')).toMatchObject({
        kind: 'migrate',
        variables: ['total'],
        lost: [
          { name: 'lock', reason: 'moved, and contains a bpf_spin_lock, which only the kernel may write' },
        ],
      });
      expect(runStored(store, 'user', 'user')).toBe(4);
    });

    test('a dry run reports the same, and changes nothing', () => {
      const { store } = testing;
      loadStored(store, 'user', user, { via });
      loadStored(store, 'reader', reader, { via });
      const files = new Map([[OBJECT_FILE, writeObject(moved)]]);
      const before = JSON.stringify(store.list());
      const options = { source: moved.name, files };
      const { state, consumers } = upgrade(store, 'provider', moved, options, true);
      expect(JSON.stringify(store.list())).toBe(before);
      expect(runStored(store, 'user', 'user')).toBe(1);
      const done = upgradeTo(moved);
      expect(done.state).toEqual(state);
      expect([...done.consumers].sort(byName)).toEqual([...consumers].sort(byName));
    });
  });
});
