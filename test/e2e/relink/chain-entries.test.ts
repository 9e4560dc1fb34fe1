/**
 * Entry points of components of generated chains: what the kernel accepts as a program, a chain accepts as a
 * component.
 */

import { expect, test } from 'vitest';
import { kernelForTests } from '../../../src/kernel/testing.ts';
import { relink } from '../../../src/link/relink.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import { loadObject } from '../../../src/load/load.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import { needs } from '../../support/needs.ts';
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
];

const REFUSED: readonly (readonly [result: string, parameters: string, words: RegExp])[] = [
  ['int', 'struct __sk_buff *ctx', /points to struct __sk_buff, the context of programs of another type/],
  ['int', 'struct xdp_md *ctx, int more', /it has 2 parameters/],
  ['int', 'long ctx', /parameter 1 is not a pointer to the context/],
  ['void *', 'struct xdp_md *ctx', /its result is not an integer/],
];

const HOST = `${HEAD}
__weak __noinline int slot(struct xdp_md *ctx) { volatile int r = 2; return ctx ? r : 0; }
SEC("xdp") int host(struct xdp_md *ctx) { return slot(ctx); }`;
/** Code that sets r0 itself. */
const NAKED = `${HEAD}
SEC("xdp") __attribute__((naked)) void entry(void) { asm volatile("r0 = 1; exit;"); }`;

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
          naked: NAKED,
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
  const judge = (chain: BpfObject): void => {
    expect(createMachine(chain).run(new Uint8Array(64)).verdict).toBe(DROP);
    if (sys === undefined) return;
    using loaded = loadObject(chain, sys);
    expect(loaded.testRun('chain', new Uint8Array(64)).verdict).toBe(DROP);
  };

  test.each(TAKEN.map((row, at) => [...row, at] as const))('%s entry(%s)', (_, __, at) =>
    judge(chainOf(`entry${at}`)),
  );

  test('nothing, where the code sets r0 itself', () => judge(chainOf('naked')));

  test.each(REFUSED.map((row, at) => [...row, at + TAKEN.length] as const))(
    '%s entry(%s) is refused',
    (_, __, words, at) => {
      const result = relinkChain([{ component: objectOf(`entry${at}`) }]);
      expect(!result.ok && result.problems.map(({ code }) => code)).toEqual(['relink-prototype']);
      expect(!result.ok && result.problems[0]?.message).toMatch(words);
    },
  );

  test('slots of other rootlets are functions: C decides', () => {
    const fits = TAKEN.map((_, at) => {
      const result = relink(objectOf('host'), [{ slot: 'slot', component: objectOf(`entry${at}`) }]);
      return result.ok;
    });
    expect(fits).toEqual([true, true, false, true, false, false, false, false, false, false]);
  });
});
