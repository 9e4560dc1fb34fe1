/**
 * The machine against the kernel: the same objects, the same packets, the same verdicts, bytes and global
 * variables.
 *
 * What the kernel answered is also kept as digests in `testdata/kernel-digests.json`, so that machines
 * without root test against it too. Run with UPDATE_DIGESTS=1 to write them again.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { EXIT, insn, loadConstant } from '../isa/assemble.ts';
import { kernelForTests } from '../kernel/testing.ts';
import { executeLoad } from '../load/execute/execute.ts';
import type { LoadedObject } from '../load/execute/loaded-object.ts';
import { planLoad } from '../load/plan/object.ts';
import { preparedAlone } from '../load/plan/prepared.ts';
import type { BpfObject } from '../object/model/model.ts';
import { readObject } from '../object/read/read.ts';
import type { Machine } from './run/api.ts';
import { createMachine } from './run/machine.ts';
import { commandPackets, Digest, randomSource, testObject } from './testing.ts';

const { UPDATE_DIGESTS } = process.env;
const TESTDATA = fileURLToPath(new URL('testdata/', import.meta.url));
const DIGESTS = `${TESTDATA}kernel-digests.json`;

function fixture(name: string, order: 'el' | 'eb' = 'el'): BpfObject {
  return readObject({ name: `${name}.bpf.o`, bytes: readFileSync(`${TESTDATA}obj/${order}/${name}.bpf.o`) });
}

interface Run {
  readonly verdict: number;
  readonly packet: Uint8Array;
  readonly metadata: Uint8Array;
}

/** One way to run programs on packets. */
interface Runner {
  run(program: string, packet: Uint8Array): Run;
  bss(): Uint8Array;
}

function machineRunner(machine: Machine): Runner {
  return {
    run(program, packet) {
      const result = machine.run(packet, { program });
      const { verdict, packet: after, metadata } = result;
      return { verdict, packet: after.slice(), metadata: metadata.slice() };
    },
    bss: () => machine.maps.get('.bss')?.lookup(new Uint8Array(4)) ?? new Uint8Array(0),
  };
}

function kernelRunner(loaded: LoadedObject): Runner {
  return {
    run(program, packet) {
      const { verdict, packet: after, metadata } = loaded.testRun(program, packet);
      return { verdict, packet: after, metadata };
    },
    bss: () => loaded.maps.get('.bss')?.lookup(new Uint8Array(4)) ?? new Uint8Array(0),
  };
}

function isSame(mine: Run, theirs: Run): boolean {
  return (
    mine.verdict === theirs.verdict &&
    Buffer.compare(mine.packet, theirs.packet) === 0 &&
    Buffer.compare(mine.metadata, theirs.metadata) === 0
  );
}

interface Sequence {
  readonly title: string;
  readonly object: string;
  readonly program: string;
  packets(): Iterable<Uint8Array>;
}

const COUNT = 1500;
const PLAIN = [new Uint8Array(64)];

const SEQUENCES: readonly Sequence[] = [
  ...(['maps', 'xdp', 'skb'] as const).map(
    (name): Sequence => ({
      title: `random commands to ${name}`,
      object: name,
      program: 'commands',
      packets: () => commandPackets(name, 20261123, COUNT),
    }),
  ),
  ...['callbacks', 'tail_first', 'tail_second', 'tail', 'tail_from_subprogram', 'map_of_maps', 'frames'].map(
    (program): Sequence => ({ title: program, object: 'calls', program, packets: () => PLAIN }),
  ),
  ...['formats', 'numbers', 'compares', 'rings'].map(
    (program): Sequence => ({ title: program, object: 'text', program, packets: () => PLAIN }),
  ),
];

function digestOf(runner: Runner, sequence: Sequence): string {
  const digest = new Digest();
  for (const packet of sequence.packets()) {
    const { verdict, packet: after, metadata } = runner.run(sequence.program, packet);
    digest.addNumber(verdict);
    digest.add(new Uint8Array(Buffer.concat([metadata, after])));
  }
  digest.add(runner.bss());
  return digest.toString();
}

function knownDigests(): Record<string, string> {
  return JSON.parse(readFileSync(DIGESTS, 'utf8')) as Record<string, string>; // written by this test
}

describe('the machine answers what the kernel once answered', () => {
  test.each(SEQUENCES.map(sequence => [sequence.title, sequence] as const))('%s', (title, sequence) => {
    const machine = createMachine(fixture(sequence.object));
    expect(digestOf(machineRunner(machine), sequence)).toBe(knownDigests()[title]);
  });
});

/** Per-CPU and LRU maps depend on the CPU that a run happens on. */
function stayOnOneCpu(): void {
  execFileSync('taskset', ['-cp', '0', String(process.pid)]);
}

/** The machine mirrors Linux 6.18; before 6.13 `bpf_csum_diff` did not fold its result. */
function isOldKernel(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major < 6 || (major === 6 && minor < 13);
}

needs('bpf').describe('machine and kernel', () => {
  beforeAll(stayOnOneCpu);
  const { sys } = kernelForTests();
  const load = (object: BpfObject): LoadedObject => {
    if (sys === undefined) throw new Error('no kernel');
    return executeLoad(planLoad(preparedAlone(object)), sys);
  };

  test.skipIf(isOldKernel()).each(SEQUENCES.map(sequence => [sequence.title, sequence] as const))(
    '%s',
    (title, sequence) => {
      const object = fixture(sequence.object);
      const machine = machineRunner(createMachine(object));
      const loaded = load(object);
      try {
        const kernel = kernelRunner(loaded);
        let number = 0;
        for (const packet of sequence.packets()) {
          const mine = machine.run(sequence.program, packet);
          const theirs = kernel.run(sequence.program, packet);
          number++;
          if (isSame(mine, theirs)) continue;
          expect(mine, `packet ${number}`).toEqual(theirs);
        }
        expect(machine.bss()).toEqual(kernel.bss());
      } finally {
        loaded.close();
      }
      if (UPDATE_DIGESTS === undefined) return;
      const fresh = load(object);
      const digests = { ...knownDigests(), [title]: digestOf(kernelRunner(fresh), sequence) };
      writeFileSync(DIGESTS, `${JSON.stringify(digests, null, 2)}\n`);
      fresh.close();
    },
  );

  test('packet loads of classic BPF', () => {
    const packet = Uint8Array.from({ length: 80 }, (_, i) => (i * 37) & 0xff);
    for (const section of ['socket', 'tc']) {
      for (const offset of [
        0,
        1,
        14,
        61,
        62,
        63,
        64,
        66,
        76,
        77,
        80,
        -1,
        -0x100000,
        -0x100000 + 63,
        -0x200000,
        -0x200000 + 78,
      ]) {
        const object = testObject([{ name: 'main', insns: packetLoads(offset), section }]);
        const mine = createMachine(object).run(packet).verdict;
        const loaded = load(object);
        try {
          expect(mine, `${section} ${offset}`).toBe(loaded.testRun('main', packet).verdict);
        } finally {
          loaded.close();
        }
      }
    }
  });

  test('random arithmetic', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const object = testObject([{ name: 'main', insns: arithmetic(seed) }]);
      const mine = createMachine(object).run(new Uint8Array(14)).verdict;
      const loaded = load(object);
      try {
        expect(mine, `seed ${seed}`).toBe(loaded.testRun('main', new Uint8Array(14)).verdict);
      } finally {
        loaded.close();
      }
    }
  });
});

/** A byte, a half word and a word there; the first that is not in the packet ends the program with 0. */
function packetLoads(offset: number) {
  return [
    insn(0xbf, 6, 1),
    insn(0x30, 0, 0, 0, offset), // r0 = byte
    insn(0xbf, 7, 0),
    insn(0xb7, 8, 0, 0, offset - 1),
    insn(0x48, 0, 8, 0, 1), // r0 = half word at r8 + 1
    insn(0x27, 7, 0, 0, 31),
    insn(0xaf, 7, 0),
    insn(0x20, 0, 0, 0, offset), // r0 = word
    insn(0x27, 7, 0, 0, 31),
    insn(0xaf, 0, 7),
    EXIT,
  ];
}

/** Straight-line code over r0 to r8, folded into r0. */
function arithmetic(seed: number) {
  const random = randomSource(seed * 104729);
  const constants = [0n, 1n, 31n, 0x80000000n, 0xffffffffn, 1n << 63n, (1n << 64n) - 1n, 0x123456789abcdefn];
  const insns = Array.from({ length: 9 }, (_, r) => loadConstant(r, constants[random(8)] ?? 0n)).flat();
  const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
  for (let i = 0; i < 150; i++) {
    const operation = operations[random(operations.length)] ?? 0;
    const width = random(2) === 0 ? 0x0f : 0x0c;
    const divides = operation === 0x30 || operation === 0x90;
    const moves = operation === 0xb0;
    const offset = divides ? random(2) : moves ? ([0, 8, 16][random(3)] ?? 0) : 0;
    insns.push(insn(operation | width, random(9), random(9), offset));
    if (random(5) === 0) {
      insns.push(insn([0xd4, 0xdc, 0xd7][random(3)] ?? 0xd4, random(9), 0, 0, [16, 32, 64][random(3)] ?? 16));
    }
  }
  for (let r = 1; r < 9; r++) insns.push(insn(0x27, 0, 0, 0, 0x01000193), insn(0xaf, 0, r));
  return [...insns, insn(0xbf, 1, 0), insn(0x77, 1, 0, 0, 32), insn(0xaf, 0, 1), EXIT];
}
