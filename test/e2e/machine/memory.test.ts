/** Objects whose maps are declared far larger than any memory: the machine takes what is used. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCommand as run } from '../../../cli/commands/run.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { runCommand } from '../../support/command.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-memory-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PACKET = '00'.repeat(64);
const MEBIBYTE = 2 ** 20;

const HEADER = `
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, type) typeof(type) *name
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*tail_call)(void *ctx, void *map, __u32 index) = (void *)12;
static void *(*reserve)(void *ring, __u64 size, __u64 flags) = (void *)131;
static void (*submit)(void *record, __u64 flags) = (void *)132;
#define MAP(name, kind, k, v, entries) \\
  struct { __uint(type, kind); __type(key, k); __type(value, v); __uint(max_entries, entries); } name SEC(".maps")
#define SIZED(name, kind, entries) \\
  struct { __uint(type, kind); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, entries); } name SEC(".maps")
`;

/** What a load balancer declares: sessions, reals, statistics, rings, routes. */
const BALANCER = `
struct session { __u8 bytes[40]; };
struct real { __u8 bytes[40]; };
struct prefix { __u32 length; __u32 address; };
MAP(sessions, BPF_MAP_TYPE_LRU_HASH, struct session, struct real, 8000000);
MAP(reals, BPF_MAP_TYPE_HASH, __u64, struct real, 4000000);
MAP(statistics, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct real, 8000000);
MAP(hash_ring, BPF_MAP_TYPE_ARRAY, __u32, __u32, 33554432);
MAP(wide, BPF_MAP_TYPE_ARRAY, __u32, __u8[200000], 1000);
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __type(key, struct prefix);
  __type(value, __u64);
  __uint(max_entries, 4000000);
  __uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 536870912); } events SEC(".maps");
SIZED(devices, BPF_MAP_TYPE_DEVMAP, 8000000);
SIZED(programs, BPF_MAP_TYPE_PROG_ARRAY, 1000000);
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u64); __uint(max_entries, 16000000); } queue SEC(".maps");
static long (*push)(void *map, const void *value, __u64 flags) = (void *)87;
static long (*pop)(void *map, void *value) = (void *)88;

SEC("xdp") int balance(struct xdp_md *ctx)
{
  for (__u32 round = 0; round < 64; round++) {
    __u32 index = round * 100000;
    __u64 key = round, out = 0;
    struct session session = { .bytes = { round } };
    struct real real = { .bytes = { round } };
    struct prefix prefix = { 32, round };
    if (update(&sessions, &session, &real, BPF_ANY) || update(&reals, &key, &real, BPF_ANY)) return 10;
    if (update(&statistics, &index, &real, BPF_ANY) || update(&routes, &prefix, &key, BPF_ANY)) return 11;
    __u32 *slot = lookup(&hash_ring, &index);
    if (!slot) return 12;
    *slot = round + 1;
    index = round;
    __u8 *large = lookup(&wide, &index);
    if (!large) return 13;
    large[199999] = round;
    void *record = reserve(&events, 1000, 0);
    if (!record) return 14;
    submit(record, 0);
    if (push(&queue, &key, 0) || pop(&queue, &out) || out != key) return 15;
    if (!lookup(&sessions, &session) || !lookup(&reals, &key) || !lookup(&routes, &prefix)) return 16;
    if (lookup(&devices, &index)) return 17;
  }
  for (__u32 round = 0; round < 64; round++) {
    __u32 index = round * 100000;
    __u32 *slot = lookup(&hash_ring, &index);
    struct real *real = lookup(&statistics, &index);
    if (!slot || *slot != round + 1 || !real || real->bytes[0] != round) return 18;
  }
  __u32 outside = 33554432;
  if (lookup(&hash_ring, &outside)) return 19;
  tail_call(ctx, &programs, 999999);
  return XDP_PASS;
}
`;

const FILLS = `
MAP(rings, BPF_MAP_TYPE_ARRAY, __u32, __u64[8], 40000000);
static long (*loop)(__u32 count, void *callback, void *ctx, __u64 flags) = (void *)181;
static long touch(__u32 round, void *ctx)
{
  __u32 index = round * 512;
  __u64 *value = lookup(&rings, &index);
  if (value) value[0] = 1;
  return 0;
}
SEC("xdp") int fill(struct xdp_md *ctx) { loop(70000, touch, (void *)0, 0); return XDP_PASS; }
`;

const { describe: withClang } = needs('clang');
const { test: asRoot } = needs('bpf');

withClang('maps declared larger than memory', () => {
  const [balancer = '', fills = ''] = compileInto(directory, {
    balancer: HEADER + BALANCER,
    fills: HEADER + FILLS,
  });

  test('take what is used of them', () => {
    const report =
      'data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
    const words = ['--import', report, 'bin/rootlet.js', 'run', balancer, '--packet', PACKET, '--json'];
    const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect(stderr.trim()).toMatch(/^\d+$/);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).counts).toEqual({ PASS: 1 });
    expect(Number(stderr) / 1024).toBeLessThan(300);
  });

  test('are used up with the name of the map and options', async () => {
    const words = [fills, '--packet', PACKET];
    const { code, err } = await runCommand(run, words, directory);
    expect(code).toBe(1);
    expect(err).toContain('packet 1: ');
    expect(err).toContain('map "rings": further elements do not fit');
    expect(err).toContain('--memory SIZE');
    expect(err).toContain('--max-entries rings=N');
    expect(
      (await runCommand(run, [...words, '--memory', '4G', '--max-entries', 'rings=1000'], '')).code,
    ).toBe(0);
  });

  test('an option for a map that does not exist', async () => {
    const words = [fills, '--packet', PACKET, '--max-entries', 'ring=1'];
    const { code, err } = await runCommand(run, words, directory);
    expect(code).toBe(2);
    expect(err).toContain('has no map "ring"');
    expect(err).toContain('"rings"');
  });

  test.each(['0', '5G', 'much', '-1', '1.5G'])('--memory %s', async size => {
    const { code, err } = await runCommand(run, [fills, '--packet', PACKET, `--memory=${size}`], directory);
    expect(code).toBe(2);
    expect(err).toContain('is not a valid size of memory');
  });

  test('too little memory for what is there from the start', async () => {
    const { code, err } = await runCommand(run, [fills, '--packet', PACKET, '--memory', '1M'], directory);
    expect(code).toBe(1);
    expect(err).toMatch(/need \d+ MiB of machine memory, more than the limit of 1 MiB/);
    expect(err).toContain('--memory SIZE');
  });

  test('contents of a large array are read without memory for them', () => {
    using machine = createMachine(readObject(inputFrom(fills)), {
      maxEntries: new Map([['rings', 100_000]]),
      maxMemory: 16 * MEBIBYTE,
    });
    const rings = machine.map('rings');
    expect(rings.definition.maxEntries).toBe(100_000);
    rings.update(Uint8Array.of(9, 0, 0, 0), new Uint8Array(64).fill(5));
    const values = [...rings.entries()];
    expect(values).toHaveLength(100_000);
    expect(values.filter(([, value]) => value.some(byte => byte !== 0))).toEqual([
      [Uint8Array.of(9, 0, 0, 0), new Uint8Array(64).fill(5)],
    ]);
  });

  asRoot('options of the kernel', async () => {
    const sized = [balancer, '--packet', PACKET, '--kernel'];
    for (const name of ['seed', 'budget', 'memory']) {
      const { code, err } = await runCommand(run, [...sized, `--${name}`, '1'], directory);
      expect(code).toBe(2);
      expect(err).toContain(`--${name} is for the embedded machine`);
    }
    const unknown = await runCommand(run, [...sized, '--max-entries', 'none=1'], directory);
    expect(unknown.err).toContain('there is no map "none"');
    const small = await runCommand(
      run,
      [fills, '--packet', PACKET, '--kernel', '--max-entries', 'rings=8'],
      '',
    );
    expect(small.err).toBe('');
    expect(small.code).toBe(0);
  });
});

describe('the size of memory', () => {
  test('is checked by the library too', () => {
    const object = readObject(inputFrom('examples/obj/el/first_firewall.bpf.o'));
    expect(() => createMachine(object, { maxEntries: new Map([['none', 1]]) })).toThrow(/has no map "none"/);
    expect(() => createMachine(object, { maxMemory: 1000 })).toThrow(/more than the limit of 1 MiB/);
  });
});
