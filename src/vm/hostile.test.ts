/** Damaged code and random instructions: a result or a `RootletError`, in bounded time. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../diag/problem.ts';
import { EXIT, insn, loadConstant } from '../isa/assemble.ts';
import type { Insn } from '../isa/opcodes.ts';
import type { BpfObject } from '../object/model/model.ts';
import { readObject } from '../object/read/read.ts';
import { createMachine } from './run/machine.ts';
import { commandPackets, randomSource, testObject } from './testing.ts';

const TESTDATA = fileURLToPath(new URL('testdata/obj/', import.meta.url));

type Outcome = 'ran' | 'refused' | 'failed';

/** Runs every program; `bug-…` errors and engine errors fail the test. */
function outcomes(object: BpfObject, packets: readonly Uint8Array[], hint: string): Outcome[] {
  const found: Outcome[] = [];
  const guarded = (body: () => void, otherwise: Outcome) => {
    try {
      body();
      found.push('ran');
    } catch (error) {
      expect(error, hint).toBeInstanceOf(RootletError);
      expect((error as RootletError).code, `${hint}: ${String(error)}`).toMatch(/^vm-/); // checked above
      found.push(otherwise);
    }
  };
  guarded(() => {
    const machine = createMachine(object, { budget: 20_000, maxMemory: 2 ** 27 });
    for (const program of machine.programs) {
      for (const packet of packets) guarded(() => machine.run(packet, { program }), 'failed');
    }
    machine.close();
  }, 'refused');
  return found;
}

/** The object with some bytes of one function's code changed. */
function damaged(object: BpfObject, seed: number): BpfObject {
  const random = randomSource(seed);
  const functions = object.symbols.filter(symbol => symbol.kind === 'function');
  const victim = functions[random(functions.length)];
  const symbols = object.symbols.map(symbol => {
    if (symbol.kind !== 'function' || symbol !== victim) return symbol;
    const code = symbol.code.slice();
    for (let hits = 1 + random(3); hits > 0 && code.length > 0; hits--)
      code[random(code.length)] = random(256);
    return { ...symbol, code };
  });
  return { ...object, symbols };
}

const FIXTURES = ['maps', 'xdp', 'skb', 'calls', 'text'] as const;

describe.each(['el', 'eb'])('damaged code, %s', order => {
  test.each(FIXTURES)('%s', name => {
    const object = readObject({
      name: `${name}.bpf.o`,
      bytes: readFileSync(`${TESTDATA}${order}/${name}.bpf.o`),
    });
    const kind = name === 'calls' || name === 'text' ? 'skb' : name;
    const packets = [...commandPackets(kind, 77, 3)];
    const all = new Set<Outcome>();
    for (let seed = 1; seed <= 60; seed++) {
      for (const outcome of outcomes(damaged(object, seed * 31), packets, `seed ${seed}`)) all.add(outcome);
    }
    expect([...all].sort()).toEqual(['failed', 'ran', 'refused']);
  });
});

/** Pointers to begin with: the context in r1, the frame, the packet, and numbers that look like them. */
const START: readonly Insn[] = [
  insn(0xbf, 6, 1),
  insn(0x61, 7, 1, 0),
  insn(0x61, 8, 1, 4),
  insn(0xbf, 9, 10),
  ...loadConstant(2, 0x10000n),
  insn(0xb7, 3, 0, 0, 8),
  insn(0xb7, 4, 0, 0, 64),
  insn(0xb7, 5, 0, 0, 0),
  insn(0xb7, 0, 0, 0, 0),
];

function randomCode(seed: number): Insn[] {
  const random = randomSource(seed);
  const count = 30;
  const code = Array.from({ length: count }, (_, at): Insn => {
    const jump = random(count + 4 - at) - random(Math.min(at + 1, 6));
    const immediate = [0, 1, -1, 8, -8, 14, 512, -512, 4096, 0x7fffffff, -0x80000000][random(11)] ?? 0;
    switch (random(8)) {
      case 0:
        return insn(0x85, 0, 0, 0, 1 + random(211));
      case 1:
        return insn(
          [0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91][random(7)] ?? 0x61,
          random(10),
          random(11),
          random(32) - 16,
        );
      case 2:
        return insn(
          [0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0xdb, 0xc3][random(10)] ?? 0x62,
          random(11),
          random(11),
          random(32) - 16,
          [0, 1, 0xf1, 0xe1][random(4)],
        );
      case 3:
        return insn(
          [0x15, 0x25, 0x1d, 0x2d, 0x05, 0x16, 0xe5][random(7)] ?? 0x05,
          random(10),
          0,
          jump,
          immediate,
        );
      case 4:
        return insn([0x20, 0x28, 0x30, 0x40, 0x48, 0x50][random(6)] ?? 0x20, 0, random(10), 0, random(80));
      default:
        return insn(
          [0x07, 0x0f, 0xb7, 0xbf, 0x17, 0x1f, 0x27, 0x57, 0x67, 0x0c, 0x04][random(11)] ?? 0x07,
          random(10),
          random(11),
          0,
          immediate,
        );
    }
  });
  return [...START, ...code, insn(0xb7, 0, 0, 0, 0), EXIT];
}

test.each(['xdp', 'tc', 'socket', 'cgroup_skb/ingress'])('random instructions in %s programs', section => {
  const all = new Map<Outcome, number>();
  for (let seed = 1; seed <= 400; seed++) {
    const order = seed % 2 === 0 ? 'little' : 'big';
    const object = testObject([{ name: 'main', insns: randomCode(seed * 6007), section }], order);
    for (const outcome of outcomes(object, [new Uint8Array(64)], `seed ${seed}`)) {
      all.set(outcome, (all.get(outcome) ?? 0) + 1);
    }
  }
  expect(all.get('failed') ?? 0).toBeGreaterThan(50);
  expect(all.get('ran') ?? 0).toBeGreaterThan(50);
});
