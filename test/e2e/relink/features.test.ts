/**
 * Components that use what a BPF program can use, and chains of every program type that they are made for: in the
 * machine where it can run them, and in the kernel, loaded by rootlet and by libbpf.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { probeMapType } from '../../../src/kernel/probes/probe-types.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { type RelinkResult, type RelinkSuccess, relink } from '../../../src/link/relink.ts';
import { type ChainRelinkOptions, relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { BPF_MAP_TYPE_ARENA } from '../../../src/uapi/map-types.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { compileInto, inputFrom } from '../../support/compile.ts';
import { runWithLibbpf } from '../../support/libbpf.ts';
import { missing, needs } from '../../support/needs.ts';
import { namesOf } from './shapes.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-features-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { sys } = kernelForTests();
/** Its first bytes are an Ethernet header of IPv4, which socket filters and cgroups see without. */
const PACKET = Uint8Array.from({ length: 64 }, (_, at) => (at === 12 ? 8 : at === 14 ? 0x45 : 0));

/** Components by name; a text starts after `case.h`. */
function compile(sources: Readonly<Record<string, string>>): Map<string, BpfObject> {
  if (missing('clang') !== undefined) return new Map();
  const texts = Object.entries(sources).map(([name, text]) => [
    name,
    `#include "case.h"\n${text}\nLICENSE("Dual MIT/GPL");\n`,
  ]);
  const files = compileInto(directory, Object.fromEntries(texts));
  return new Map(
    files.map(file => {
      const { bytes } = inputFrom(file);
      const name = path.basename(file);
      return [name.replace('.o', ''), readObject({ name, bytes })] as const;
    }),
  );
}

function of(objects: ReadonlyMap<string, BpfObject>, name: string): { readonly component: BpfObject } {
  const component = objects.get(name);
  if (component === undefined) throw new Error(`no object ${name}`);
  return { component };
}

function done(result: RelinkResult): RelinkSuccess {
  if (!result.ok)
    throw new Error(result.problems.map(problem => `${problem.code}: ${problem.message}`).join('\n'));
  return {
    ...result,
    report: result.report,
    object: readObject({ name: 'chain.o', bytes: writeObject(result.object) }),
  };
}

function chainOf(
  objects: ReadonlyMap<string, BpfObject>,
  names: readonly string[],
  options: ChainRelinkOptions = {},
): RelinkSuccess {
  return done(
    relinkChain(
      names.map(name => of(objects, name)),
      options,
    ),
  );
}

function inMachine({ object }: RelinkSuccess, program = 'chain'): number {
  const machine = createMachine(object, { program });
  try {
    return machine.run(PACKET).verdict;
  } finally {
    machine.close();
  }
}

function inKernel({ object }: RelinkSuccess, program = 'chain'): number {
  if (sys === undefined) throw new Error('no kernel');
  using loaded = loadObject(object, sys);
  return loaded.testRun(program, PACKET).verdict;
}

function byLibbpf({ object }: RelinkSuccess, program = 'chain'): number {
  return runWithLibbpf(writeObject(object), [program], PACKET)[0] ?? Number.NaN;
}

const WITH_LIBBPF = missing('root', 'bpf', 'bpftool') === undefined;

/** The verdict everywhere where it can be had. */
function verdicts(chain: RelinkSuccess): number[] {
  return [
    inMachine(chain),
    ...(sys === undefined ? [] : [inKernel(chain)]),
    ...(WITH_LIBBPF ? [byLibbpf(chain)] : []),
  ];
}

// --- program types ------------------------------------------------------------------------------------------------

/** `on` continues, `stop` does not, and both are verdicts that the kernel allows. */
const TYPES = [
  { section: 'xdp', context: 'struct xdp_md', on: 2, stop: 3, runs: true },
  { section: 'tc', context: 'struct __sk_buff', on: 3, stop: 2, runs: true },
  { section: 'tcx/ingress', context: 'struct __sk_buff', on: -1, stop: 2, runs: false },
  { section: 'socket', context: 'struct __sk_buff', on: 5, stop: 0, runs: true },
  { section: 'cgroup_skb/ingress', context: 'struct __sk_buff', on: 1, stop: 0, runs: true },
  { section: 'cgroup/connect4', context: 'struct bpf_sock_addr', on: 1, stop: 0, runs: false },
  { section: 'sk_msg', context: 'struct sk_msg_md', on: 1, stop: 0, runs: false },
  { section: 'sk_skb/stream_verdict', context: 'struct __sk_buff', on: 1, stop: 0, runs: false },
] as const;

function typeSources(position: number): Record<string, string> {
  const type = TYPES[position] ?? TYPES[0];
  const body = (verdict: number, map: string) => `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } ${map} SEC(".maps");
static __attribute__((noinline)) int count(void)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&${map}, &zero);
	if (value)
		(*value)++;
	return 0;
}
SEC("${type.section}") int prog(${type.context} *ctx) { count(); return ${verdict}; }`;
  return { [`on${position}`]: body(type.on, 'seen'), [`stop${position}`]: body(type.stop, 'seen') };
}

needs('clang').describe('chains of', () => {
  const objects = compile(Object.assign({}, ...TYPES.map((_, position) => typeSources(position))));
  TYPES.forEach(({ section, on, stop, runs }, position) => {
    const names = (...verdict: readonly ('on' | 'stop')[]): string[] =>
      verdict.map(word => `${word}${position}`);

    test(`${section} programs go on as far as they should`, () => {
      const going = chainOf(objects, names('on', 'on'));
      const stopped = chainOf(objects, names('on', 'stop', 'on'));
      expect(namesOf(stopped, 'map')).toHaveLength(2); // one component is in two slots
      if (!runs) return;
      for (const verdict of verdicts(going)) expect(verdict).toBe(on);
      for (const verdict of verdicts(stopped)) expect(verdict).toBe(stop);
    });

    if (runs) return;
    needs('bpf').test(`${section} programs are taken by the kernel`, () => {
      if (sys === undefined) return;
      using loaded = loadObject(chainOf(objects, names('on', 'stop')).object, sys);
      expect([...loaded.programs.keys()]).toEqual(['chain']);
    });
  });
});

// --- what components use ------------------------------------------------------------------------------------------

const jumping = (to: number): string => `
int target(CONTEXT);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, sizeof(__u32));
	__array(values, int(CONTEXT));
} jumps SEC(".maps") = { .values = { [0] = (void *)&target } };
PROGRAM target(CONTEXT) { return ${to}; }
PROGRAM prog(CONTEXT) { if (ctx->len > 1) bpf_tail_call(ctx, &jumps, 0); return 0; }`;

const FEATURES = {
  jumps: jumping(77),
  jumps2: jumping(88),
  loop: `
static int body(__u32 index, int *sum) { *sum += index; return 0; }
PROGRAM prog(CONTEXT) { int sum = 0; bpf_loop(10, body, &sum, 0); return sum; }`,
  each: `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } table SEC(".maps");
static long body(void *map, __u32 *key, __u32 *value, int *sum) { *sum += *key; *value += 1; return 0; }
PROGRAM prog(CONTEXT) { int sum = 0; bpf_for_each_map_elem(&table, body, &sum, 0); return sum; }`,
  kfunc: `
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *ptr) __ksym;
PROGRAM prog(CONTEXT) { struct bpf_dynptr ptr; if (bpf_dynptr_from_skb(ctx, 0, &ptr)) return 1; return bpf_dynptr_size(&ptr); }`,
  config: `
extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_ROOTLET_HAS_NO_SUCH_THING __kconfig __weak;
PROGRAM prog(CONTEXT) { return LINUX_KERNEL_VERSION > 0x30000 && !CONFIG_ROOTLET_HAS_NO_SUCH_THING ? 31 : 32; }`,
  core: `
#include <bpf/bpf_core_read.h>
struct sk_buff___mine { unsigned int len; long nothing_of_the_kind; } __attribute__((preserve_access_index));
PROGRAM prog(CONTEXT)
{
	struct sk_buff___mine *skb = 0;
	return (bpf_core_type_exists(struct sk_buff___mine) ? 20 : 10) + bpf_core_field_exists(skb->len) + bpf_core_field_exists(skb->nothing_of_the_kind);
}`,
  arena: `
#define __arena __attribute__((address_space(1)))
struct { __uint(type, 33); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 10); } arena SEC(".maps");
int __arena kept SEC(".addr_space.1") = 40;
PROGRAM prog(CONTEXT) { void *map = &arena; HIDE(map); return ++kept; }`,
  state: `
int count = 0;
PROGRAM prog(CONTEXT) { return ++count == 1 ? 0 : count; }`,
  rootlet: `
__weak __attribute__((noinline)) int one(CONTEXT) { HIDE(ctx); return 100; }
__weak __attribute__((noinline)) int two(CONTEXT) { HIDE(ctx); return 200; }
PROGRAM chain(CONTEXT) { return one(ctx) * 1000 + two(ctx); }`,
};

needs('clang').describe('components with', () => {
  const objects = compile(FEATURES);
  /** One component in each slot; the result is the first verdict times 1000, and the second. */
  const pair = (one: string, two: string, instance?: string): RelinkSuccess =>
    done(
      relink(of(objects, 'rootlet').component, [
        { slot: 'one', program: 'prog', ...of(objects, one) },
        {
          slot: 'two',
          program: 'prog',
          ...of(objects, two),
          ...(instance === undefined ? {} : { instance }),
        },
      ]),
    );

  test('tail calls: each has its own array, and programs that it jumps to stay programs', () => {
    const chain = pair('jumps', 'jumps2');
    expect(chain.report.limits.map(({ program }) => program)).toHaveLength(3);
    const maps = namesOf(chain, 'map');
    expect(maps).toHaveLength(2);
    // A tail call leaves the function that makes it: the rootlet continues with what the target says.
    expect(inMachine(chain)).toBe(77 * 1000 + 88);
    if (sys !== undefined) expect(inKernel(chain)).toBe(77 * 1000 + 88);
  });

  test('callbacks', () => {
    for (const verdict of verdicts(pair('loop', 'each'))) expect(verdict).toBe(45 * 1000 + 6);
  });

  test('callbacks of one name', () => {
    const chain = pair('loop', 'loop', 'again');
    for (const verdict of verdicts(chain)) expect(verdict).toBe(45 * 1000 + 45);
    expect(namesOf(chain, 'function').filter(name => name.includes('body'))).toHaveLength(2);
  });

  test('a state of their own, or one for both slots', () => {
    for (const verdict of verdicts(pair('state', 'state'))) expect(verdict).toBe(2);
    for (const verdict of verdicts(pair('state', 'state', 'own'))) expect(verdict).toBe(0);
  });

  needs('bpf', 'vmlinux-btf').test('kernel functions, which are declared once', () => {
    const chain = pair('kfunc', 'kfunc', 'again');
    expect(namesOf(chain, 'extern')).toEqual(['bpf_dynptr_from_skb', 'bpf_dynptr_size']);
    expect(inKernel(chain)).toBe(64 * 1000 + 64);
  });

  test('configuration values', () => {
    const chain = pair('config', 'config', 'again');
    expect(namesOf(chain, 'extern')).toEqual(['LINUX_KERNEL_VERSION', 'CONFIG_ROOTLET_HAS_NO_SUCH_THING']);
    const machine = createMachine(chain.object, {
      program: 'chain',
      kconfig: new Map([['LINUX_KERNEL_VERSION', 0x60102n]]),
    });
    expect(machine.run(PACKET).verdict).toBe(31 * 1000 + 31);
    machine.close();
    if (sys !== undefined) expect(inKernel(chain)).toBe(31 * 1000 + 31);
  });

  needs('bpf', 'vmlinux-btf').test('CO-RE', () => {
    const chain = pair('core', 'core', 'again');
    expect(inKernel(chain)).toBe(21 * 1000 + 21);
    if (WITH_LIBBPF) expect(byLibbpf(chain)).toBe(21 * 1000 + 21);
  });

  const noArena = sys !== undefined && probeMapType(sys, BPF_MAP_TYPE_ARENA).state === 'no';
  needs('bpf').test(`an arena${noArena ? ' (needs Linux 6.9)' : ''}`, () => {
    if (noArena) return;
    expect(inKernel(pair('arena', 'state'))).toBe(41 * 1000);
    // programs may use one arena only: two components have to share it
    const both = relink(
      of(objects, 'rootlet').component,
      [
        { slot: 'one', ...of(objects, 'arena') },
        { slot: 'two', ...of(objects, 'arena'), instance: 'again' },
      ],
      { share: ['arena'] },
    );
    expect(inKernel(done(both))).toBe(41 * 1000 + 41);
  });

  test('chains in them', () => {
    const chained = (optimize: boolean): RelinkSuccess => {
      const inner = chainOf(objects, ['state', 'loop'], { program: 'inner', continueOn: ['ok'], optimize });
      const components = [{ component: { ...inner.object, name: 'inner.o' } }, of(objects, 'each')];
      return done(relinkChain(components, { continueOn: ['45'], optimize }));
    };
    for (const verdict of verdicts(chained(true))) expect(verdict).toBe(6);
    const outer = chained(false);
    for (const verdict of verdicts(outer)) expect(verdict).toBe(6);
    expect(outer.report.limits[0]?.deepestCalls).toEqual(['chain', 'inner', 'loop_prog', 'inner_body']);
  });

  test('a slot that is not filled, which keeps its default', () => {
    const chain = done(relink(of(objects, 'rootlet').component, [{ slot: 'two', ...of(objects, 'loop') }]));
    for (const verdict of verdicts(chain)) expect(verdict).toBe(100 * 1000 + 45);
  });
});

describe('without a compiler', () => {
  test('a socket filter continues with any number of bytes, which is not a verdict to end with', () => {
    const { component } = {
      component: readObject({ name: 'x.o', bytes: inputFrom('examples/obj/el/main_a.bpf.o').bytes }),
    };
    const sections = component.sections.map(section =>
      section.name === 'xdp' ? { ...section, name: 'socket' } : section,
    );
    const result = relinkChain([{ component: { ...component, sections } }], { final: 'pass' });
    expect(!result.ok && result.problems.map(problem => problem.message)).toEqual([
      '"pass" is not a single verdict in section "socket": specify how many bytes to keep, or "last"',
    ]);
  });
});
