/** A provider is upgraded again and again while packets come in: each is judged by the old code or by the new. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { OBJECT_FILE, Registry } from '../../src/dynamic/registry.ts';
import { entryParts, loadAgainst } from '../../src/dynamic/store-load.ts';
import { upgrade } from '../../src/dynamic/upgrade.ts';
import { attachXdp } from '../../src/kernel/hooks.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { openSys } from '../../src/kernel/sys-koffi.ts';
import { type BpfObject, writeObject } from '../../src/object/index.ts';
import { needs } from '../support/needs.ts';
import { loadStored } from './link-stored.ts';
import { compiled, type TestStore, testStore } from './link-support.ts';
import { compileGenerator, Generator, pause, TrafficWire } from './traffic.ts';

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
static __always_inline void count(__u32 entry) {
  __u64 *value = bpf_map_lookup_elem(&counts, &entry);
  if (value) __sync_fetch_and_add(value, 1);
}
`;

/** Entries of the provider's `counts`: by version. Of the consumer's: all, judged by a default. */
const version = (number: 0 | 1) => `${HEAD}
__attribute__((noinline)) int judge(struct xdp_md *ctx) { count(${number}); return 1; }`;
const CONSUMER = `${HEAD}
extern int judge(struct xdp_md *ctx);
SEC("xdp") int entry(struct xdp_md *ctx) { count(0); int verdict = judge(ctx); if (verdict != 1) count(1); return 1; }`;

needs('bpf', 'root', 'ip', 'clang', 'gcc').describe('under traffic', () => {
  let objects: Record<'old' | 'fresh' | 'consumer', BpfObject>;
  let generator: ReturnType<typeof compileGenerator>;
  let wire: TrafficWire;
  let testing: TestStore;
  const sys = openSys();
  beforeAll(() => {
    objects = compiled({ old: version(0), fresh: version(1), consumer: CONSUMER });
    generator = compileGenerator();
    wire = new TrafficWire('rlu');
    testing = testStore(sys);
  });
  afterAll(() => {
    testing.close();
    wire.close();
    generator.remove();
  });

  /** Attaches the consumer to the wire, as `rootlet attach` does. */
  function attachConsumer(via: 'tail' | 'copy'): void {
    const { store } = testing;
    using registry = new Registry(store);
    using bound = loadAgainst(registry, objects.consumer, sys, { via, pinRoot: null });
    registry.saveChanged();
    const { data, links } = entryParts(bound);
    using hook = inNetns(sys, `/run/netns/${wire.here}`, () =>
      attachXdp(sys, bound.loaded.program('entry').fd.number, 'va', 'generic'),
    );
    store.save('hook', 'user', {
      source: 'consumer.o',
      programs: bound.loaded.programs,
      maps: bound.loaded.maps,
      links: new Map([...links, ['hook', hook]]),
      files: new Map([[OBJECT_FILE, writeObject(objects.consumer)]]),
      data,
    });
  }

  function countsOf(kind: 'object' | 'hook', name: string): [number, number] {
    const entry = testing.store.find(kind, name);
    if (entry === undefined) throw new Error(`no ${name}`);
    using map = testing.store.openMap(entry, 'counts');
    const at = (index: number): number => {
      const value = map.lookup(new Uint8Array([index, 0, 0, 0])) ?? new Uint8Array(8);
      return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
    };
    return [at(0), at(1)];
  }

  test.each([
    ['tail', 'slot'],
    ['copy', 'hook'],
  ] as const)(
    'by %s: no packet meets neither',
    async (via, how) => {
      const { store } = testing;
      loadStored(store, 'provider', objects.old);
      attachConsumer(via);
      const sending = await Generator.start(generator.program, wire.there, 'vb');
      let sent = 0;
      try {
        for (let round = 1; round <= 30; round++) {
          const next = round % 2 === 1 ? objects.fresh : objects.old;
          const files = new Map([[OBJECT_FILE, writeObject(next)]]);
          const { consumers } = upgrade(store, 'provider', next, { source: 'provider.o', files });
          expect(consumers).toEqual([{ kind: 'hook', name: 'user', how: [how] }]);
          await pause(2);
        }
      } finally {
        sent = await sending.stop();
      }
      await pause(200);
      const [seen, byDefault] = countsOf('hook', 'user');
      const [old, fresh] = countsOf('object', 'provider');
      expect(sent).toBeGreaterThan(1000);
      expect({ seen, byDefault, judged: old + fresh }).toEqual({ seen: sent, byDefault: 0, judged: sent });
      expect(Math.min(old, fresh)).toBeGreaterThan(0);
      for (const [kind, name] of [
        ['hook', 'user'],
        ['object', 'provider'],
      ] as const) {
        const entry = store.find(kind, name);
        if (entry !== undefined) store.remove(entry);
      }
    },
    120_000,
  );
});
