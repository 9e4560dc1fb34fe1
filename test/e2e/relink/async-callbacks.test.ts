/**
 * Limits on stack and frames with callbacks that run later: what is refused is what the kernel refuses, and
 * the other way round.
 */

import { expect, test } from 'vitest';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { checkLimits } from '../../../src/link/passes/limits.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import { leftOut, needs } from '../../support/needs.ts';
import { compiled } from '../dynamic/support.ts';

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
struct elem { struct bpf_timer t; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem);
} timers SEC(".maps");
struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
struct work { struct bpf_wq w; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct work);
} works SEC(".maps");
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (callback_fn)(void *map, int *key, void *value),
	unsigned int flags, void *aux__ign) __ksym;
#define TAKE(bytes) long room[(bytes) / 8] = {}; asm volatile("" : : "r"(room) : "memory")
`;
const timer = (own: number, body: string, callback = 'later') => `
SEC("xdp") int prog(struct xdp_md *ctx)
{
	TAKE(${own});
	int zero = 0;
	struct elem *e = bpf_map_lookup_elem(&timers, &zero);
	if (!e) return 2;
	bpf_timer_init(&e->t, &timers, 1);
	bpf_timer_set_callback(&e->t, ${callback});
	${body}
	asm volatile("" : : "r"(room) : "memory"); return 2;
}`;
const later = (bytes: number, body = '') => `
static int later(void *map, int *key, struct elem *e) { TAKE(${bytes}); ${body} asm volatile("" : : "r"(room) : "memory"); return 0; }`;

/** Source, and whether the kernel takes it. */
const CASES: Readonly<Record<string, readonly [source: string, taken: boolean]>> = {
  'a timer takes a stack of its own': [later(400) + timer(400, ''), true],
  'a timer that takes too much': [
    `static __noinline int deep(int x) { TAKE(300); return room[0] + x; } ${later(300, 'room[0] = deep(1);')} ${timer(8, '')}`,
    false,
  ],
  'a timer that sets itself again': [
    later(64, 'bpf_timer_set_callback(&e->t, later);').replace(
      'static int later',
      'static int later(void *map, int *key, struct elem *e);\nstatic int later',
    ) + timer(64, ''),
    true,
  ],
  'a function called for now': [
    `static int each(__u32 i, void *ctx) { TAKE(300); asm volatile("" : : "r"(room) : "memory"); return 0; } ${later(8)} ${timer(300, 'bpf_loop(1, each, 0, 0);')}`,
    false,
  ],
  'a callback that is called as well': [
    `${later(300).replace('static int', 'static __noinline int')} ${timer(300, 'room[0] = later(0, 0, 0);')}`,
    false,
  ],
  'a work queue': [
    `static int work(void *map, int *key, void *value) { TAKE(400); asm volatile("" : : "r"(room) : "memory"); return 0; }
SEC("tc") int prog(struct __sk_buff *ctx)
{
	TAKE(400);
	int zero = 0;
	struct work *v = bpf_map_lookup_elem(&works, &zero);
	if (!v) return 2;
	bpf_wq_init(&v->w, &works, 0);
	bpf_wq_set_callback_impl(&v->w, work, 0, 0);
	asm volatile("" : : "r"(room) : "memory"); return 2;
}`,
    true,
  ],
};

const { sys } = kernelForTests();
const clang = needs('clang');

clang.describe('callbacks that run later', () => {
  const sources = Object.fromEntries(
    Object.entries(CASES).map(([, [source]], at) => [`c${at}`, HEAD + source]),
  );
  const objects = clang.reason === undefined ? compiled(sources) : {};
  test.each(Object.entries(CASES).map(([name, [, taken]], at) => [name, taken, at] as const))(
    '%s',
    (_, taken, at) => {
      const object = objects[`c${at}`];
      if (object === undefined) throw new Error('not compiled');
      expect(checkLimits(object).map(({ code }) => code)).toEqual(taken ? [] : ['relink-stack']);
      const chain = relinkChain([{ component: object }, { component: object }], { checkLimits: false });
      if (!chain.ok) throw new Error(chain.problems.map(({ message }) => message).join());
      if (sys === undefined) return leftOut('bpf');
      const load = (): void => loadObject(object, sys).close();
      if (taken) load();
      else expect(load).toThrow(/stack/);
    },
  );
});
