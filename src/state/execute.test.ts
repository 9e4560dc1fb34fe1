/**
 * Decisions carried out: what is loaded on which maps, what is remembered of them, and the values that are
 * copied.
 */

import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { decodeU32s, encodeU32s } from '../kernel/sys/sys.ts';
import { countFds } from '../kernel/testing.ts';
import type { LoadedObject } from '../load/execute/loaded-object.ts';
import { isPinned } from '../load/execute/pins.ts';
import { executePlan } from '../load/load.ts';
import { mountBpffs } from '../load/testing.ts';
import type { BpfObject } from '../object/model/model.ts';
import { tinyProgram } from '../store/testing.ts';
import { pinReused, planWithState, reuseOf, StateTransfer, storedStates } from './execute.ts';
import {
  compileTexts,
  decide,
  kernel,
  type Policy,
  type Running,
  run,
  statesOf,
  withProgram,
} from './testing.ts';

const source = (verdict: number, variables: string, entries = 4, stage = 'one') =>
  withProgram(
    `
${variables}
const volatile int constant = ${verdict};
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } rules SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, ${entries}); __type(key, __u32); __type(value, __u64); __uint(pinning, LIBBPF_PIN_BY_NAME); } pinned SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } inside SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { [1] = &inside } };
int ${stage}(struct xdp_md *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32); __array(values, int(struct xdp_md *)); } stages SEC(".maps") = { .values = { [0] = (void *)&${stage} } };
SEC("xdp") int ${stage}(struct xdp_md *ctx) { seen++; return ${verdict}; }`,
    'bpf_tail_call(ctx, &stages, 0);',
  );
const V1 = source(1, '__u64 seen, kept = 5;');
const V2 = source(3, 'int first; __u64 seen, kept = 6; __u64 more;');
const RENAMED = source(4, '__u64 seen, kept = 5;', 4, 'other');

const wanted = needs('bpf', 'clang');

wanted.describe('the next version', () => {
  if (wanted.reason !== undefined) return;
  const objectOf = compileTexts([V1, V2, RENAMED]);
  let fds = 0;
  let bpffs: ReturnType<typeof mountBpffs>;
  let running: Running;
  beforeEach(() => {
    fds = countFds();
    bpffs = mountBpffs();
    running = run(objectOf(V1), { pinRoot: bpffs.path });
  });
  afterEach(() => {
    running[Symbol.dispose]();
    bpffs.close();
    expect(countFds()).toBe(fds);
  });

  /** Plans and loads it; `use` gets what was decided. */
  function load(
    next: BpfObject,
    policy: Policy,
    use: (loaded: LoadedObject, decisions: ReturnType<typeof decide>['decisions']) => void,
  ): void {
    const options = { pinRoot: bpffs.path };
    const given = { ...policy, options, pinRoot: policy.pinRoot ?? null, mapsOnly: false };
    const { plan, decisions } = decide(running, next, given);
    const reuse = reuseOf(decisions);
    using loaded = executePlan(planWithState(plan, decisions), kernel, { ...options, reuse });
    use(loaded, decisions);
  }
  const idOf = (loaded: LoadedObject, map: string): number => loaded.map(map).info().id;
  const transferOf = (
    loaded: LoadedObject,
    decisions: ReturnType<typeof decide>['decisions'],
  ): StateTransfer => {
    const transfer = new StateTransfer();
    const own = new Map<number, number | null>();
    for (const [name, program] of running.loaded.programs)
      own.set(program.info().id, loaded.programs.get(name)?.fd.number ?? null);
    transfer.add(loaded, decisions, { of: id => own.get(id) });
    return transfer;
  };
  const count = (loaded: LoadedObject): number => loaded.testRun('pass', new Uint8Array(64)).verdict;

  test('runs on the maps that are reused, and on new ones for the rest', () => {
    load(objectOf(V2), {}, (loaded, decisions) => {
      const same = [...loaded.maps.keys()].filter(name => idOf(loaded, name) === idOf(running.loaded, name));
      expect(same.sort()).toEqual(['.data', 'inside', 'pinned', 'rules']);
      const kinds = Object.fromEntries([...decisions].map(([name, { decision }]) => [name, decision.kind]));
      expect(kinds).toEqual({
        '.bss': 'migrate',
        '.data': 'reuse',
        '.rodata': 'new',
        inside: 'reuse',
        outer: 'rebuild',
        pinned: 'reuse',
        rules: 'reuse',
        stages: 'rebuild',
      });
    });
  });

  test('initial contents are written into new maps alone', () => {
    running.loaded.globals['kept'] = 7n;
    const { plan, decisions } = decide(running, objectOf(V2));
    const adjusted = planWithState(plan, decisions);
    const of = (name: string) => adjusted.maps.find(map => map.name === name);
    expect(of('.data')?.contents).toBeNull();
    expect(of('stages')?.initial).toHaveLength(1);
    expect(of('.rodata')?.contents).not.toBeNull();
    expect(adjusted.maps.map(({ kernelName, pinning }) => [kernelName, pinning])).toEqual(
      plan.maps.map(({ kernelName, pinning }) => [kernelName, pinning]),
    );
    load(objectOf(V2), {}, loaded => expect(loaded.globals['kept']).toBe(7n));
    expect(running.loaded.globals['kept']).toBe(7n);
  });

  test('values are copied by name, again until the switch; what runs is not written', () => {
    expect(count(running.loaded)).toBe(1);
    load(objectOf(V2), {}, (loaded, decisions) => {
      const transfer = transferOf(loaded, decisions);
      expect(loaded.globals['seen']).toBe(0n);
      transfer.run();
      expect(loaded.globals['seen']).toBe(1n);
      count(running.loaded);
      transfer.run();
      expect([loaded.globals['seen'], loaded.globals['first'], loaded.globals['more']]).toEqual([2n, 0, 0n]);
      expect(count(loaded)).toBe(3); // its own stage
      expect(loaded.globals['seen']).toBe(3n);
      expect(running.loaded.globals['seen']).toBe(2n);
      expect(count(running.loaded)).toBe(1);
    });
  });

  test('entries that were set at run time are carried over, and counted', () => {
    using foreign = tinyProgram(kernel, 'foreign', 4);
    running.loaded.map('stages').update(encodeU32s([2]), encodeU32s([foreign.fd.number]));
    load(objectOf(V2), {}, (loaded, decisions) => {
      const transfer = transferOf(loaded, decisions);
      expect(transfer.entries.size).toBe(0);
      transfer.run();
      expect(transfer.entries.get('stages')).toEqual({ carried: 1, lost: [] });
      const ids = [...loaded.map('stages').entries()].map(([key, value]) => [
        decodeU32s(key)[0],
        decodeU32s(value)[0],
      ]);
      expect(ids).toEqual([
        [0, loaded.program('one').info().id],
        [2, foreign.info().id],
      ]);
    });
  });

  test('a stage that was set at run time and is gone in the next version is reported', () => {
    const one = running.loaded.program('one').fd.number;
    running.loaded.map('stages').update(encodeU32s([3]), encodeU32s([one]));
    load(objectOf(RENAMED), {}, (loaded, decisions) => {
      const transfer = transferOf(loaded, decisions);
      transfer.run();
      expect(transfer.entries.get('stages')).toEqual({
        carried: 0,
        lost: ['entry 3 was a program or map that the new version does not have'],
      });
      expect(count(loaded)).toBe(4);
    });
  });

  test('what was written is remembered; of reused maps, what was remembered of them', () => {
    const { states, loaded: first } = running;
    expect(states.get('stages')?.contents).toEqual(new Map([[0, first.program('one').info().id]]));
    expect(states.get('outer')?.contents).toEqual(new Map([[1, idOf(first, 'inside')]]));
    expect(states.get('outer')?.inner).toMatch(/^type 2 key 4 __u32 value 8 __u64 entries 1 flags 0$/);
    expect(states.get('rules')).toEqual({ owner: null, name: 'rules', contents: null, inner: null });
    const policy: Policy = { unchanged: () => true, keepsPrograms: () => true };
    load(objectOf(V1), policy, (loaded, decisions) => {
      const kept = storedStates(loaded, statesOf(loaded.maps.keys()), decisions);
      expect(kept.get('stages')?.state).toEqual(states.get('stages'));
      expect(kept.get('outer')?.state).toEqual(states.get('outer'));
    });
    load(objectOf(V2), {}, (loaded, decisions) => {
      const next = storedStates(loaded, statesOf(loaded.maps.keys()), decisions);
      expect(next.get('stages')?.state.contents).toEqual(new Map([[0, loaded.program('one').info().id]]));
      const owned = storedStates(loaded, [{ map: 'rules', owner: 'fw', name: 'r', version: 2 }], decisions);
      expect([...owned.keys()]).toEqual(['fw@2:r']);
    });
  });

  test('a reused map whose pin by name was removed is pinned again, until that is taken back', () => {
    const pin = `${bpffs.path}/pinned`;
    expect(isPinned(kernel, pin)).toBe(true);
    load(objectOf(V2), {}, (loaded, decisions) => {
      pinReused(loaded, decisions, bpffs.path)();
      expect(isPinned(kernel, pin)).toBe(true); // it was there: not taken away
      rmSync(pin);
      const unpin = pinReused(loaded, decisions, bpffs.path);
      expect(isPinned(kernel, pin)).toBe(true);
      unpin();
      expect(isPinned(kernel, pin)).toBe(false);
      pinReused(loaded, decisions, null);
      expect(isPinned(kernel, pin)).toBe(false);
    });
  });
});
