import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TypeFinder } from '../core/names.ts';
import { relocateCore } from '../core/relocate.ts';
import { RootletError } from '../diag/problem.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import type { BpfObject } from '../object/model/model.ts';
import { readObject } from '../object/read/read.ts';
import { stripDataSections } from '../object/write/strip-data-sections.ts';
import { executeLoad } from './execute/execute.ts';
import { bindExterns } from './externs/bind-externs.ts';
import type { KernelFacts } from './externs/kernel-facts.ts';
import type { KernelTypes } from './externs/kernel-types.ts';
import { planLoad } from './plan/object.ts';
import { preparedAlone } from './plan/prepared.ts';

const directory = (path: string) => join(import.meta.dirname, path);
const SOURCES = [
  'testdata/obj/el/maps.bpf.o',
  'testdata/obj/el/globals.bpf.o',
  'testdata/obj/el/externs.bpf.o',
  '../core/testdata/obj/el/kinds.bpf.o',
  '../../examples/obj/el/second_firewall.bpf.o',
].map(path => readFileSync(directory(path)));

const SEED = 20_261_123;
const ROUNDS = 400;

/** A small generator with a seed: the same corruptions every time. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One to four bytes or words changed. */
function corrupt(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  for (let change = random(4); change >= 0; change--) {
    const at = random(copy.length - 4);
    if (random(2) === 0) copy[at] = random(256);
    else view.setUint32(at - (at % 4), [0, 1, 0xffffffff, 0x7fffffff, random(64)][random(5)] ?? 0, true);
  }
  return copy;
}

const FACTS: KernelFacts = {
  config: () => 'CONFIG_HZ=250\nCONFIG_BPF=y\n',
  versionCode: () => 1,
  addresses: names => new Map([...names].map(name => [name, [4n]])),
  hasCookie: () => true,
  hasSyscallWrapper: () => true,
};

/** The object's own types replace the kernel's. */
function typesOf(object: BpfObject): KernelTypes | undefined {
  if (object.btf === null) return undefined;
  const target = { name: 'self', types: new TypeFinder(object.btf), btfObject: 0 };
  return { vmlinux: () => target, modules: () => [] };
}

function loadCorrupted(bytes: Uint8Array): void {
  const object = stripDataSections(readObject({ name: 'corrupted.o', bytes }));
  const types = typesOf(object);
  if (types === undefined) return;
  const { object: relocated, answers } = relocateCore(object, { main: types.vmlinux(), modules: () => [] });
  const bindings = bindExterns(relocated, types, FACTS);
  const plan = planLoad(
    { ...preparedAlone(relocated), bindings, coreAnswers: answers },
    { programs: () => true },
  );
  executeLoad(plan, new FakeSys(), { pinRoot: '/nonexistent' }).close();
}

test.each(SOURCES.map((_, index) => index))(
  `object %d, corrupted ${ROUNDS} times (seed ${SEED}): refused or loaded, nothing else`,
  index => {
    const random = randomNumbers(SEED + index);
    const source = SOURCES[index] ?? new Uint8Array(0);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = corrupt(source, random);
      try {
        loadCorrupted(bytes);
      } catch (error) {
        if (!(error instanceof RootletError) || error.code === 'bug-invariant') {
          throw new Error(`round ${round}: ${error instanceof Error ? error.stack : String(error)}`);
        }
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(ROUNDS / 10);
  },
);
