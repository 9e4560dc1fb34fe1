/**
 * Entry points of components of generated chains: what the kernel accepts as a program, a chain accepts as a
 * component.
 */

import { expect, test } from 'vitest';
import { elementAt } from '../../../src/bytes/index.ts';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { relink } from '../../../src/link/relink.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { SeededRandom } from '../../hostile/random.ts';
import { leftOut, needs } from '../../support/needs.ts';
import { compiled } from '../dynamic/support.ts';

const DROP = 1;
const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct packet { __u32 data, data_end, data_meta, ifindex, queue, egress; };
typedef unsigned char verdict;
char _license[] SEC("license") = "GPL";
`;

/** Result and parameters that kernels take as XDP programs. */
const TAKEN: readonly (readonly [result: string, parameters: string])[] = [
  ['int', 'struct xdp_md *ctx'],
  ['__u32', 'const struct xdp_md *ctx'],
  ['int', 'void *ctx'],
  ['int', 'void *ctx __attribute__((btf_decl_tag("arg:ctx")))'],
  ['enum xdp_action', 'struct xdp_md *ctx'],
  ['int', 'struct packet *ctx'],
  ['short', 'struct xdp_md *ctx'],
  ['__u64', 'struct xdp_md *ctx'],
  ['verdict', 'struct packet *ctx'],
  ['int', 'void'],
  ['int', 'long ctx'],
  ['__u64', '__u64 ctx'],
];

const REFUSED: readonly (readonly [result: string, parameters: string, words: RegExp])[] = [
  ['int', 'struct __sk_buff *ctx', /points to struct __sk_buff, the context of programs of another type/],
  ['int', 'struct xdp_md *ctx, int more', /it has 2 parameters/],
  ['int', 'int ctx', /parameter 1 is not a pointer to the context/],
  ['void *', 'struct xdp_md *ctx', /its result is not an integer/],
];

const HOST = `${HEAD}
__weak __noinline int slot(struct xdp_md *ctx) { volatile int r = 2; return ctx ? r : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot(ctx); }`;
const SLOTS = {
  wide: 'long slot(struct xdp_md *ctx)',
  narrow: 'signed char slot(struct xdp_md *ctx)',
  more: 'int slot(struct xdp_md *ctx, int more)',
};
/** Code that sets r0 itself. */
const NAKED = `${HEAD}
SEC("xdp") __attribute__((naked)) void entry(void) { asm volatile("r0 = 1; exit;"); }`;

/** The context is only declared, as C++ and Rust describe what they do not use. */
const DECLARED = `struct xdp_md;
__attribute__((section("xdp"), used)) int entry(struct xdp_md *ctx) { return 1; }
__attribute__((section("license"), used)) char _license[] = "GPL";`;

const { sys } = kernelForTests();
const clang = needs('clang');

clang.describe('entry points in chains', () => {
  const objects =
    clang.reason === undefined
      ? compiled({
          ...Object.fromEntries(
            [...TAKEN, ...REFUSED].map(([result, parameters], at) => [
              `entry${at}`,
              `${HEAD} SEC("xdp") ${result} entry(${parameters}) { return ${result === 'void *' ? '0' : 'XDP_DROP'}; }`,
            ]),
          ),
          host: HOST,
          ...Object.fromEntries(
            Object.entries(SLOTS).map(([name, slot]) => [
              name,
              `${HEAD} __weak __noinline ${slot} { volatile int r = 2; return ctx ? r : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot(ctx${name === 'more' ? ', 1' : ''}); }`,
            ]),
          ),
          naked: NAKED,
          declared: DECLARED,
        } as Readonly<Record<string, string>>)
      : {};
  const objectOf = (name: string): BpfObject => {
    const object = objects[name];
    if (object === undefined) throw new Error(`${name} was not compiled`);
    return object;
  };
  const chainOf = (name: string): BpfObject => {
    const result = relinkChain([{ component: objectOf(name) }]);
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
    return readObject({ name: 'chain.o', bytes: writeObject(result.object) });
  };
  const judge = (chain: BpfObject, program = 'chain'): void => {
    expect(createMachine(chain, { program }).run(new Uint8Array(64)).verdict).toBe(DROP);
    if (sys === undefined) leftOut('bpf');
    if (sys === undefined) return;
    using loaded = loadObject(chain, sys);
    expect(loaded.testRun(program, new Uint8Array(64)).verdict).toBe(DROP);
  };

  test.each(TAKEN.map((row, at) => [...row, at] as const))('%s entry(%s)', (_, __, at) =>
    judge(chainOf(`entry${at}`)),
  );

  test('nothing, where the code sets r0 itself', () => judge(chainOf('naked')));

  test('a context that is only declared', () => judge(chainOf('declared')));

  test.each(REFUSED.map((row, at) => [...row, at + TAKEN.length] as const))(
    '%s entry(%s) is refused',
    (_, __, words, at) => {
      const result = relinkChain([{ component: objectOf(`entry${at}`) }]);
      expect(!result.ok && result.problems.map(({ code }) => code)).toEqual(['relink-prototype']);
      expect(!result.ok && result.problems[0]?.message).toMatch(words);
    },
  );

  test('slots of other rootlets that take the context and return 32 bits', () => {
    for (const name of [...TAKEN.map((_, at) => `entry${at}`), 'naked']) {
      const result = relink(objectOf('host'), [{ slot: 'slot', component: objectOf(name) }]);
      if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
      judge(readObject({ name: 'host.o', bytes: writeObject(result.object) }), 'host');
    }
  });

  test('other slots of other rootlets are functions: C decides', () => {
    const fits = ['wide', 'narrow', 'more'].map(host =>
      TAKEN.map((_, at) => relink(objectOf(host), [{ slot: 'slot', component: objectOf(`entry${at}`) }]).ok),
    );
    // TAKEN: int, __u32, …, short (6), __u64 (7), unsigned char (8), …
    expect(fits.map(row => row.flatMap((isTaken, at) => (isTaken ? [at] : [])))).toEqual([[7], [], []]);
  });
});

// --- random spellings ---------------------------------------------------------------------------------------------

const RESULTS = [
  'int',
  'unsigned',
  'short',
  'unsigned short',
  'signed char',
  'unsigned char',
  'char',
  '_Bool',
  'long',
  '__u64',
  'const int',
  'enum mixed',
  'enum wide',
  'typed',
  'volatile short',
] as const;
const SPELLED = `${HEAD}
enum mixed { MINUS = -1, PLUS = 1 };
enum wide { LARGE = 0x100000002ULL };
typedef short narrow;
typedef const narrow typed;
struct own { long words[4]; };
`;
/** `values`: what the kernel accepts as results. */
const PLACES = [
  { section: 'xdp', context: 'struct xdp_md', values: [-1, 0, 1, 2, 3, 130, 257, 40_000, 65_538] },
  { section: 'tc', context: 'struct __sk_buff', values: [-1, 0, 1, 2, 3, 7, 255, 256, 40_000] },
  { section: '?tcx/egress', context: 'struct __sk_buff', values: [-1, 0, 1, 2, 3, 7, 255] },
  { section: 'socket', context: 'struct __sk_buff', values: [-1, 0, 1, 40, 255, 256, 40_000] },
  { section: 'cgroup_skb/ingress', context: 'struct __sk_buff', values: [0, 1] },
  { section: 'cgroup_skb/egress', context: 'struct __sk_buff', values: [0, 1] },
] as const;
const COUNT = Number(process.env['ROOTLET_RUNS'] ?? 40);
const FIRST_SEED = Number(process.env['ROOTLET_SEED'] ?? 1);

function spelled(seed: number): string {
  const random = new SeededRandom(seed);
  const pick = <T extends number | string>(list: readonly T[]): T =>
    elementAt(list, random.below(list.length));
  const { section, context, values } = elementAt(PLACES, seed % PLACES.length);
  const parameters = pick([
    `${context} *ctx`,
    `const ${context} *ctx`,
    `${context} *const ctx`,
    'void *ctx',
    'const void *ctx',
    'struct own *ctx',
    'long *ctx',
    'void',
    `void *ctx __attribute__((btf_decl_tag("arg:ctx")))`,
  ]);
  return `${SPELLED} SEC("${section}") ${pick(RESULTS)} entry(${parameters}) { return ${pick(values)}; }`;
}

clang.describe('random spellings of entry points', () => {
  const seeds = Array.from({ length: COUNT }, (_, at) => FIRST_SEED + at);
  const objects: Readonly<Record<string, BpfObject>> =
    clang.reason === undefined
      ? compiled(Object.fromEntries(seeds.map(seed => [`seed${seed}`, spelled(seed)])))
      : {};
  test.each(seeds)('seed %i: a chain returns what the program returns', seed => {
    const alone = objects[`seed${seed}`];
    if (alone === undefined) throw new Error('not compiled');
    const packet = new Uint8Array(64);
    const inMachine = (object: BpfObject, program: string): number =>
      createMachine(object, { program }).run(packet).verdict;
    for (const length of [1, 2]) {
      const result = relinkChain(Array.from({ length }, () => ({ component: alone })));
      if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
      const chain = readObject({ name: 'chain.o', bytes: writeObject(result.object) });
      expect(inMachine(chain, 'chain')).toBe(inMachine(alone, 'entry'));
      if (sys === undefined) continue;
      using one = loadObject(alone, sys, { programs: () => true });
      using all = loadObject(chain, sys);
      expect(all.testRun('chain', packet).verdict).toBe(one.testRun('entry', packet).verdict);
    }
  });
});
