/**
 * Dynamic linking through the store: every process finds what other processes loaded, from the kernel alone.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withEntryLoad } from '../../../src/dynamic/entries/load-entry.ts';
import { consumersOf } from '../../../src/dynamic/entries/store-load.ts';
import { openSys } from '../../../src/kernel/open/koffi.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { requireUnused } from '../../../src/store/users.ts';
import { needs } from '../../support/needs.ts';
import { loadStored, runStored } from './stored.ts';
import { compiled, type TestStore, testStore } from './support.ts';

const OBJECTS = path.join(import.meta.dirname, '../../../examples/obj/el');
const example = (name: string) => readObject({ name, bytes: readFileSync(path.join(OBJECTS, name)) });

vi.setConfig({ testTimeout: 60_000 });

let testing: TestStore;
let fds = 0;

const host = needs('bpf', 'root', 'clang', 'bpftool');

host.describe('with a store', () => {
  beforeEach(() => {
    fds = countFds();
    testing = testStore(openSys());
  });
  afterEach(() => {
    testing.close();
    expect(countFds()).toBe(fds);
  });

  test.each(['tail', 'copy'] as const)('by %s: a consumer binds to what is loaded, by name alone', via => {
    const { store } = testing;
    loadStored(store, 'first', example('first.bpf.o'));
    loadStored(store, 'second', example('second.bpf.o'), { via }, ({ bindings }) => {
      expect(bindings.map(({ extern, provider, via: how }) => [extern, provider, how])).toEqual([
        ['foo', 'first', via],
        ['minimum', 'first', 'share'],
        ['counters', 'first', 'share'],
      ]);
    });
    // all descriptors are closed: the pins keep everything
    expect(runStored(store, 'second', 'count', new Uint8Array(50))).toBe(1);
    expect(runStored(store, 'second', 'count')).toBe(2);
    const first = store.find('object', 'first');
    if (first === undefined) throw new Error('first is gone');
    using counters = store.openMap(first, 'counters');
    expect(counters.lookup(new Uint8Array(4))?.[0]).toBe(1);

    // guard: the provider is in use until its consumer goes
    expect(() => requireUnused(store, first, [consumersOf])).toThrow(
      /is used by another entry[\s\S]*object "second": uses function "foo"/,
    );
    const second = store.find('object', 'second');
    if (second !== undefined) store.remove(second);
    expect(consumersOf(store, first)).toEqual([]);
  });

  test('what fails after a bound load leaves no pin by name; one that was there stays', () => {
    const { store } = testing;
    const { base, user } = compiled({
      base: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__attribute__((noinline)) int base(struct xdp_md *ctx) { return ctx ? 2 : 1; }
char _license[] SEC("license") = "GPL";`,
      user: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); __uint(pinning, 1); } pinned SEC(".maps");
extern int base(struct xdp_md *ctx);
SEC("xdp") int user(struct xdp_md *ctx) { __u32 key = 0; return bpf_map_lookup_elem(&pinned, &key) ? base(ctx) : 1; }
char _license[] SEC("license") = "GPL";`,
    });
    loadStored(store, 'base', base);
    const pinRoot = path.dirname(store.root);
    const pin = path.join(pinRoot, 'pinned');
    const { sys } = store;
    const job = { sys, store, object: user, name: 'user', options: { pinRoot }, binding: {} };
    const load = (fail: boolean) => () =>
      withEntryLoad(job, () => {
        expect(existsSync(pin)).toBe(true);
        if (fail) throw new Error('no room');
      });
    expect(load(true)).toThrow('no room');
    expect(existsSync(pin)).toBe(false);
    load(false)();
    expect(existsSync(pin)).toBe(true);
    expect(load(true)).toThrow('no room');
    expect(existsSync(pin)).toBe(true);
    rmSync(pin);
  });

  test('two consumers share one slot; another process sees what they counted', () => {
    const { store } = testing;
    loadStored(store, 'first', example('first.bpf.o'));
    loadStored(store, 'one', example('second.bpf.o'), { via: 'tail' });
    loadStored(store, 'two', example('second.bpf.o'), { via: 'tail' });
    runStored(store, 'one', 'count');
    runStored(store, 'two', 'count');
    const first = store.find('object', 'first');
    expect(first?.record.programs.map(program => program.name)).toEqual(['slots:6.37:foo']);
    const pin = `${first?.path}/${first?.record.maps.find(map => map.name === 'counters')?.pin}`;
    const output = execFileSync('bpftool', ['-j', 'map', 'lookup', 'pinned', pin, 'key', '1', '0', '0', '0']);
    expect(JSON.parse(output.toString())).toMatchObject({ formatted: { value: 2 } });
  });

  test('a provider that is itself a consumer: its own externs come along, with their state', () => {
    const { store } = testing;
    const objects = compiled({
      base: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int base_calls;
__attribute__((noinline)) int base(struct xdp_md *ctx) { base_calls++; return ctx->ingress_ifindex == 77 ? 0 : 2; }
char _license[] SEC("license") = "GPL";`,
      middle: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int base(struct xdp_md *ctx);
int middle_calls;
__attribute__((noinline)) int middle(struct xdp_md *ctx) { middle_calls++; return base(ctx); }
char _license[] SEC("license") = "GPL";`,
      top: `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int middle(struct xdp_md *ctx);
extern int middle_calls;
SEC("xdp") int top(struct xdp_md *ctx) { return middle(ctx) + middle_calls * 100; }
char _license[] SEC("license") = "GPL";`,
    });
    for (const via of ['tail', 'copy'] as const) {
      loadStored(store, 'base', objects.base);
      loadStored(store, 'middle', objects.middle);
      loadStored(store, 'top', objects.top, { via });
      expect(runStored(store, 'top', 'top')).toBe(102);
      expect(runStored(store, 'top', 'top')).toBe(202);
      const base = store.find('object', 'base');
      if (base === undefined) throw new Error('base is gone');
      using calls = store.openMap(base, '.bss');
      expect(calls.lookup(new Uint8Array(4))?.[0]).toBe(2);
      expect(consumersOf(store, base).map(user => user.entry.name)).toEqual(
        via === 'copy' ? ['middle', 'top'] : ['middle'],
      );
      for (const name of ['top', 'middle', 'base']) {
        const entry = store.find('object', name);
        if (entry !== undefined) store.remove(entry);
      }
    }
  });
});
