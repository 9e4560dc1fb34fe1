/**
 * CO-RE as libbpf does it, instruction by instruction: random programs against random targets with moved, renamed,
 * resized, missing, nested and bit fields, and the objects of the tests against the running kernel.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { prepareLoad } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { compileInto, inputFrom } from '../support/compile.ts';
import { missing } from '../support/needs.ts';
import { noOracle, Oracle } from './support-oracle.ts';
import { randomOf } from './support-random.ts';
import { randomRound } from './support-structs.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = noOracle('1.1') ?? missing('clang', 'vmlinux-btf') ?? reason;
const SEED = 20191210;
const ROUNDS = 25;

describe.skipIf(skipped !== undefined)(`like libbpf${skipped === undefined ? '' : ` (${skipped})`}`, () => {
  const oracle = skipped === undefined ? new Oracle() : undefined;
  afterAll(() => oracle?.close());

  /** Instructions by program after relocation, or why nothing was relocated. */
  function both(object: string, btf: string | undefined) {
    if (oracle === undefined) throw new Error('no oracle');
    const result = oracle.load(object, { all: true, ...(btf === undefined ? {} : { btf }) });
    const refused = result.log.includes('failed to perform CO-RE relocations');
    return {
      theirs: refused ? 'refused' : new Map(result.programs.map(({ name, insns }) => [name, insns])),
      ours: ourInsns(object, btf),
      log: result.log,
    };
  }

  function ourInsns(file: string, btfPath: string | undefined): Map<string, string> | string {
    const { name, bytes } = inputFrom(file);
    try {
      const { plan } = prepareLoad(readObject({ name, bytes }), kernel, {
        programs: () => true,
        ...(btfPath === undefined ? {} : { btfPath }),
      });
      return new Map(plan.programs.map(program => [program.name, Buffer.from(program.code).toString('hex')]));
    } catch (error) {
      return String(error);
    }
  }

  test(`random targets (seed ${SEED})`, { timeout: 120_000 }, () => {
    const random = randomOf(SEED);
    let instructions = 0;
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { program, target } = randomRound(random);
      const [object = '', btf = ''] = compileInto(oracle?.directory ?? '', { program, target });
      const { theirs, ours, log } = both(object, btf);
      const context = { round, program, target };
      if (typeof theirs === 'string' || typeof ours === 'string') {
        const agree = typeof theirs === typeof ours;
        expect(agree, `${ours}\n${log}\n${program}\n${target}`).toBe(true);
        refused += 1;
        continue;
      }
      for (const [name, insns] of theirs) {
        expect({ ...context, name, insns: ours.get(name) }).toEqual({ ...context, name, insns });
        instructions += insns.length / 16;
      }
    }
    expect(instructions).toBeGreaterThan(1500);
    expect(refused).toBeLessThan(ROUNDS / 2);
  });

  test('every kind of relocation against the running kernel', () => {
    for (const name of ['kinds', 'poisoned']) {
      const { theirs, ours } = both(`src/core/testdata/obj/el/${name}.bpf.o`, undefined);
      expect(ours).toEqual(theirs);
    }
  });
});
