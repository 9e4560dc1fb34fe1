/**
 * A provider is upgraded again and again while packets come in to its consumer; every packet is counted where it is
 * sent, in the consumer, and in the version that judged it. The function of the provider has two stages: it leaves its
 * version in the packet, and the stage, which it calls through an array of programs, compares. For tests and for
 * `npm run bench:traffic`.
 */

import { OBJECT_FILE, Registry } from '../../../src/dynamic/entries/registry.ts';
import { entryParts, loadAgainst } from '../../../src/dynamic/entries/store-load.ts';
import { upgrade } from '../../../src/dynamic/upgrade/upgrade.ts';
import { attachXdp } from '../../../src/kernel/hooks/hooks.ts';
import { inNetns } from '../../../src/kernel/sys/netns.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import type { Store } from '../../../src/store/store.ts';
import { Generator, pause, type TrafficWire } from '../slots/traffic.ts';
import { loadStored } from './stored.ts';
import { compiled } from './support.ts';

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

/**
 * Entries of the provider's `counts`: by version, packets that met two versions, those that met an empty array. Of the
 * consumer's: all, judged by a default.
 */
const version = (number: 0 | 1) => `${HEAD}
static __always_inline unsigned char *mark(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  return data + 64 > end ? 0 : data + 60;
}
SEC("xdp") int stage(struct xdp_md *ctx) {
  unsigned char *byte = mark(ctx);
  if (byte) count(*byte == ${number + 1} ? ${number} : 2);
  return 1;
}
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4);
  __array(values, int (void *));
} next SEC(".maps") = { .values = { [0] = (void *)&stage } };
__attribute__((noinline)) int judge(struct xdp_md *ctx) {
  unsigned char *byte = mark(ctx);
  if (!byte) return 0;
  *byte = ${number + 1};
  bpf_tail_call(ctx, &next, 0);
  count(3);
  return 1;
}`;
const CONSUMER = `${HEAD}
extern int judge(struct xdp_md *ctx);
SEC("xdp") int entry(struct xdp_md *ctx) { count(0); int verdict = judge(ctx); if (verdict != 1) count(1); return 1; }`;

export type UpgradeObjects = Record<'old' | 'fresh' | 'consumer', BpfObject>;

export function upgradeObjects(): UpgradeObjects {
  return compiled({ old: version(0), fresh: version(1), consumer: CONSUMER });
}

export interface UpgradeTraffic {
  readonly store: Store;
  readonly wire: TrafficWire;
  /** Program that sends. */
  readonly generator: string;
  readonly objects: UpgradeObjects;
  readonly via: 'tail' | 'copy';
  readonly upgrades: number;
}

export interface UpgradeTrafficResult {
  readonly sent: number;
  readonly seconds: number;
  /** Packets that came to the consumer, and those that its stub judged by default. */
  readonly seen: number;
  readonly byDefault: number;
  /** Packets by version. */
  readonly old: number;
  readonly fresh: number;
  /** Packets that met an entry of one version and a stage of the other. */
  readonly mixed: number;
  /** Packets for which the array of stages was empty. */
  readonly fellThrough: number;
  /** How consumers were given each new version, each way once. */
  readonly how: readonly string[];
  /** Milliseconds of each upgrade. */
  readonly times: readonly number[];
}

/** Leaves the store as it was. */
export async function upgradeUnderTraffic(traffic: UpgradeTraffic): Promise<UpgradeTrafficResult> {
  const { store, wire, objects, upgrades } = traffic;
  const how = new Set<string>();
  const times: number[] = [];
  loadStored(store, 'provider', objects.old);
  try {
    attachConsumer(traffic);
    const begin = performance.now();
    const sending = await Generator.start(traffic.generator, wire.there, 'vb');
    let sent = 0;
    try {
      for (let round = 1; round <= upgrades; round++) {
        const next = round % 2 === 1 ? objects.fresh : objects.old;
        const files = new Map([[OBJECT_FILE, writeObject(next)]]);
        const from = performance.now();
        const { consumers } = upgrade(store, 'provider', next, { source: 'provider.o', files });
        times.push(performance.now() - from);
        for (const consumer of consumers) for (const way of consumer.how) how.add(way);
        await pause(2);
      }
    } finally {
      sent = await sending.stop();
    }
    const seconds = (performance.now() - begin) / 1000;
    await pause(200); // what is on the wire arrives
    const [seen, byDefault] = countsOf(store, 'hook', 'user');
    const [old, fresh, mixed, fellThrough] = countsOf(store, 'object', 'provider');
    return { sent, seconds, seen, byDefault, old, fresh, mixed, fellThrough, how: [...how], times };
  } finally {
    for (const [kind, name] of [
      ['hook', 'user'],
      ['object', 'provider'],
    ] as const) {
      const entry = store.find(kind, name);
      if (entry !== undefined) store.remove(entry);
    }
  }
}

/** Attaches the consumer to the wire, as `rootlet attach` does. */
function attachConsumer({ store, wire, objects, via }: UpgradeTraffic): void {
  const { sys } = store;
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

function countsOf(store: Store, kind: 'object' | 'hook', name: string): [number, number, number, number] {
  const entry = store.find(kind, name);
  if (entry === undefined) throw new Error(`there is no ${name}`);
  using map = store.openMap(entry, 'counts');
  const at = (index: number): number => {
    const value = map.lookup(new Uint8Array([index, 0, 0, 0])) ?? new Uint8Array(8);
    return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
  };
  return [at(0), at(1), at(2), at(3)];
}
