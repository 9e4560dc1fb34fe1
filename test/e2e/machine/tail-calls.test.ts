/** Tail calls through arrays that are known only at run time: the machine does what the kernel does. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand as run } from '../../../cli/commands/run.ts';
import { runCommand } from '../../support/command.ts';
import { compileInto } from '../../support/compile.ts';
import { needs } from '../../support/needs.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-tail-'));
afterAll(() => rmSync(directory, { recursive: true }));

const HEADER = `
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define __uint(name, value) int (*name)[value]
#define __array(name, value) typeof(value) *name[]
static long (*tail_call)(void *ctx, void *map, __u32 index) = (void *)12;
static void *(*lookup)(void *map, const void *key) = (void *)1;
int first(struct xdp_md *ctx);
int second(struct xdp_md *ctx);
#define TABLE(name, size, ...) struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); \\
  __uint(max_entries, size); __array(values, int (void *)); } name SEC(".maps") = { .values = { __VA_ARGS__ } }
int runs;
`;

/** Program "first" is run; what it returns says which way it went. */
const SOURCES = {
  argument: `
TABLE(one, 2, [1] = (void *)&second); TABLE(two, 3, [2] = (void *)&second);
static NOINLINE int jump(struct xdp_md *ctx, void *table, __u32 at) { tail_call(ctx, table, at); return 0; }
SEC("xdp") int first(struct xdp_md *ctx) { jump(ctx, &one, 0); jump(ctx, &one, 7); runs = 10; jump(ctx, &two, 2); return runs; }
SEC("xdp") int second(struct xdp_md *ctx) { if (++runs >= 14) return runs; jump(ctx, &one, 1); return 2; }`,
  branch: `
TABLE(one, 1, [0] = (void *)&first); TABLE(two, 1, [0] = (void *)&second);
SEC("xdp") int first(struct xdp_md *ctx) { void *table = ++runs < 3 ? (void *)&one : (void *)&two; tail_call(ctx, table, 0); return 1; }
SEC("xdp") int second(struct xdp_md *ctx) { return 40 + runs; }`,
  limit: `
TABLE(one, 1, [0] = (void *)&first); TABLE(two, 1, [0] = (void *)&first);
static NOINLINE int jump(struct xdp_md *ctx, void *table) { tail_call(ctx, table, 0); return 0; }
SEC("xdp") int first(struct xdp_md *ctx) { runs++; jump(ctx, runs & 1 ? (void *)&one : (void *)&two); return runs; }
SEC("xdp") int second(struct xdp_md *ctx) { return 0; }`,
  'large-array': `
TABLE(one, 200000, [199999] = (void *)&second);
SEC("xdp") int first(struct xdp_md *ctx) { __u32 at = 5; tail_call(ctx, &one, at); tail_call(ctx, &one, 200000);
  tail_call(ctx, &one, 199999 + (ctx->rx_queue_index & 0x100)); return 1; }
SEC("xdp") int second(struct xdp_md *ctx) { return 55; }`,
  'inner-maps': `
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(key_size, 4); __uint(value_size, 8); __uint(max_entries, 100000); };
struct inner left SEC(".maps"); struct inner right SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(key_size, 4); __uint(max_entries, 2); __array(values, struct inner); }
  outer SEC(".maps") = { .values = { [0] = &left, [1] = &right } };
SEC("xdp") int first(struct xdp_md *ctx) {
  for (__u32 which = 0; which < 2; which++) {
    __u32 w = which, at = 99999, past = 100000; void *map = lookup(&outer, &w);
    if (!map) return 1;
    __u64 *value = lookup(map, &at);
    if (!value || lookup(map, &past)) return 2;
    *value += which + 1;
  }
  __u32 at = 99999; __u64 *a = lookup(&left, &at), *b = lookup(&right, &at);
  return a && b ? 60 + *a * 4 + *b : 3;
}
SEC("xdp") int second(struct xdp_md *ctx) { return 0; }`,
} as const;

const EXPECTED = { argument: 14, branch: 43, limit: 34, 'large-array': 55, 'inner-maps': 66 } as const;
const { describe: withClang, reason } = needs('clang');
const { test: inKernel } = needs('clang', 'bpf');

async function verdict(file: string, ...words: readonly string[]): Promise<number> {
  const all = [file, '--prog-name', 'first', '--packet', '00'.repeat(64), '--json', ...words];
  const { out, err } = await runCommand(run, all, directory);
  expect(err).toBe('');
  const [[name] = ['none']] = Object.entries<number>(JSON.parse(out).counts);
  return { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 }[name] ?? Number(name);
}

withClang('tail calls through arrays of run time', () => {
  if (reason !== undefined) return;
  const names = Object.keys(SOURCES) as (keyof typeof SOURCES)[];
  const sources = names.map((name): [string, string] => [name, HEADER + SOURCES[name]]);
  const files = compileInto(directory, Object.fromEntries(sources));
  for (const [index, name] of names.entries()) {
    const file = files[index] ?? '';
    test(`${name} in the machine`, async () => expect(await verdict(file)).toBe(EXPECTED[name]));
    inKernel(`${name} in the kernel`, async () =>
      expect(await verdict(file, '--kernel')).toBe(EXPECTED[name]),
    );
  }
});
