/** Every mistake that ends a run: what is reported, and where. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../diag/problem.ts';
import { EXIT, insn, loadConstant } from '../../isa/assemble.ts';
import type { Insn } from '../../isa/opcodes.ts';
import { readObject } from '../../object/read/read.ts';
import { type TestFunction, testObject } from '../testing.ts';
import type { MachineOptions } from './api.ts';
import { createMachine } from './machine.ts';

const PACKET = new Uint8Array(64);

function errorOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.message;
    throw error;
  }
  return 'no error';
}

/** Program, and the whole message with the C line's text at its end. */
const MISTAKES: readonly (readonly [string, RegExp])[] = [
  [
    'packet_end',
    /^faults.bpf.o: function "byte_at": insn 1: invalid read of 1 byte: 1 byte past the packet's end \(offset 64, packet of 64 bytes\); faults.bpf.c:\d+: return data\[offset\];$/,
  ],
  [
    'packet_start',
    /function "packet_start": insn \d+: invalid read of 1 byte: 1 byte before the packet's start; .*return \*\(data - 1\);$/,
  ],
  [
    'packet_word',
    /invalid read of 4 bytes: 2 bytes past the packet's end \(offset 62, packet of 64 bytes\); /,
  ],
  [
    'null_value',
    /function "count_of": insn 0: invalid read of 8 bytes: null pointer; .*return value->count;$/,
  ],
  [
    'value_end',
    /invalid write of 4 bytes: 4 bytes past the end of a value of map "counters" \(offset 16, value of 16 bytes\); .*value\[4\] = 1;$/,
  ],
  ['read_only_map', /invalid write of 8 bytes: a value of map "limits" cannot be written; .*\*value = 1;$/],
  [
    'read_only_data',
    /invalid write of 4 bytes: offset 0 of global variables ".rodata" cannot be written; .*\*where = 5;$/,
  ],
  ['data_end', /invalid read of 4 bytes: 4 bytes past the end of global variables ".bss" \(16 bytes\); /],
  [
    'misaligned',
    /function "count": insn \d+: atomic access of 8 bytes at an address that is not a multiple of 8; /,
  ],
  [
    'helper_argument',
    /invalid write of 17 bytes by bpf_xdp_load_bytes \(argument 3\): 1 byte past the end of a value of map "counters" \(offset 0, value of 16 bytes\); /,
  ],
  [
    'loops',
    /function "endless": insn \d+: still running after 100000 backward jumps and calls; .*while \(i != -1\)\n {2}hint: possible infinite loop/,
  ],
  ['no_helper', /calls bpf_get_stackid \(helper 27\), which the machine does not have; /],
  ['other_helper', /calls bpf_skb_pull_data, which is not for xdp programs; /],
  ['no_map', /uses map "stacks" of type stack_trace, which the machine does not have; /],
  ['no_function', /calls "missing", which has no definition; .*return missing\(ctx\);\n {2}hint: link /],
  [
    'no_kernel_function',
    /calls the kernel function "bpf_kernel_function", which the machine does not have; /,
  ],
  ['read_only_field', /invalid write of 4 bytes: offset 0 of context cannot be written; /],
  [
    'read_only_packet',
    /invalid write of 1 byte: packet offset 0: this kind of program cannot write the packet directly; /,
  ],
];

describe.each(['el', 'eb'])('compiled programs, %s', order => {
  const path = fileURLToPath(new URL(`../testdata/obj/${order}/faults.bpf.o`, import.meta.url));
  const machine = createMachine(readObject({ name: 'faults.bpf.o', bytes: readFileSync(path) }), {
    budget: 100_000,
  });

  test.each(MISTAKES)('%s', (program, message) => {
    expect(errorOf(() => machine.run(PACKET, { program }))).toMatch(message);
  });

  test('a run after an error is as good as any', () => {
    expect(machine.run(PACKET, { program: 'weak_kernel_function' }).verdict).toBe(42);
  });

  test('what is missing matters only where it is reached', () => {
    expect(machine.run(PACKET, { program: 'not_taken' }).verdict).toBe(43);
  });

  test('every program of the fixture is in the table', () => {
    const listed = [...MISTAKES.map(([program]) => program), 'weak_kernel_function', 'not_taken'];
    expect([...machine.programs].sort()).toEqual(listed.sort());
  });
});

function main(...insns: readonly (Insn | readonly Insn[])[]): TestFunction[] {
  return [{ name: 'main', insns: [...insns.flat(), EXIT] }];
}

const ZERO = insn(0xb7, 0, 0, 0, 0);

describe('plain instructions', () => {
  test.each<readonly [string, TestFunction[], string]>([
    [
      'above the frame',
      main(insn(0x7a, 10, 0, 0, 1)),
      'insn 0: invalid write of 8 bytes at r10+0: a stack frame is the 512 bytes below r10',
    ],
    [
      'across the top of the frame',
      main(insn(0x79, 0, 10, -4)),
      'insn 0: invalid read of 8 bytes at r10-4: a stack frame is the 512 bytes below r10',
    ],
    [
      'below the frame',
      main(insn(0x7a, 10, 0, -520, 1)),
      'insn 0: invalid write of 8 bytes at r10-520: a stack frame',
    ],
    [
      'below the frame, by an unknown index',
      main(
        insn(0x61, 2, 1, 12),
        insn(0x27, 2, 0, 0, -520),
        insn(0xbf, 3, 10),
        insn(0x0f, 3, 2),
        insn(0x7a, 3, 0, 0, 1),
      ),
      'insn 4: invalid write of 8 bytes: r10-520 of frame 1: a stack frame is the 512 bytes below r10',
    ],
    [
      'above the frame, by an unknown index',
      main(insn(0x61, 2, 1, 12), insn(0xbf, 3, 10), insn(0x0f, 3, 2), insn(0x72, 3, 0, -1, 1)),
      'insn 3: invalid write of 1 byte: 1 byte above the stack of frame 1',
    ],
    [
      'a null pointer',
      main(insn(0xb7, 2, 0, 0, 0), insn(0x61, 0, 2, 8)),
      'insn 1: invalid read of 4 bytes: null pointer, plus 8',
    ],
    [
      'a number',
      main(loadConstant(2, 0xdeadbeefcafen), insn(0x61, 0, 2, 0)),
      'insn 2: invalid read of 4 bytes: 0xdeadbeefcafe is not an address of the program',
    ],
    [
      'a negative number',
      main(insn(0xb7, 2, 0, 0, -8), insn(0x79, 0, 2, 0)),
      'insn 1: invalid read of 8 bytes: 0xfffffffffffffff8 is not an address of the program',
    ],
    [
      'the last address',
      main(insn(0xb7, 2, 0, 0, -1), insn(0x71, 0, 2, 0)),
      '0xffffffffffffffff is not an address of the program',
    ],
    [
      'behind the context',
      main(insn(0x61, 0, 1, 24)),
      'insn 0: invalid read of 4 bytes: offset 24 of context cannot be read',
    ],
    [
      'the context, written',
      main(insn(0x62, 1, 0, 0, 1)),
      'insn 0: invalid write of 4 bytes: offset 0 of context cannot be written',
    ],
    ['a missing exit', [{ name: 'main', insns: [ZERO] }], 'insn 0: the function ends without exit'],
    ['no instructions', [{ name: 'main', insns: [] }], 'the function has no instructions'],
    ['a call through a register', main(insn(0x8d, 0, 0, 0, 0)), 'insn 0: calls through a register'],
    [
      'an indirect jump',
      main(insn(0x0d, 1, 0, 0, 0)),
      'insn 0: jumps to something that is in no jump table of this function',
    ],
    ['a call of nothing', main(insn(0x85, 0, 1, 0, -1)), 'insn 0: calls a function that has no name'],
    [
      'an unknown helper',
      main(insn(0x85, 0, 0, 0, 9999)),
      'insn 0: calls helper 9999, which the machine does not have',
    ],
    [
      'a helper that wants the context',
      main(insn(0xb7, 1, 0, 0, 0), insn(0xb7, 2, 0, 0, 0), insn(0x85, 0, 0, 0, 44)),
      'insn 2: argument 1 of bpf_xdp_adjust_head is not the context',
    ],
    [
      'a helper that wants a map',
      main(insn(0x7a, 10, 0, -8, 0), insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -8), insn(0x85, 0, 0, 0, 1)),
      'insn 3: argument 1 of bpf_map_lookup_elem is not a map',
    ],
    [
      'a callback that is not a function',
      main(
        insn(0xb7, 1, 0, 0, 3),
        insn(0xb7, 2, 0, 0, 64),
        insn(0xb7, 3, 0, 0, 0),
        insn(0xb7, 4, 0, 0, 0),
        insn(0x85, 0, 0, 0, 181),
      ),
      'insn 4: callback address 0x40 is not that of a function',
    ],
    [
      'a range that wraps around',
      main(
        insn(0xb7, 2, 0, 0, 0),
        insn(0xbf, 3, 10),
        insn(0x07, 3, 0, 0, -8),
        loadConstant(4, 0xfffffffffffffff8n),
        insn(0x85, 0, 0, 0, 189),
      ),
      'invalid write of 4294967295 bytes by bpf_xdp_load_bytes (argument 3)',
    ],
  ])('%s', (_, functions, message) => {
    expect(errorOf(() => createMachine(testObject(functions)).run(PACKET))).toContain(message);
  });

  test.each<readonly [string, readonly Insn[], string, string]>([
    [
      'a jump out of the function',
      [insn(0x05, 0, 0, 5), EXIT],
      'vm-jump-target',
      'insn 0: jumps to instruction 6, which is not in this function',
    ],
    [
      'a jump before the function',
      [insn(0x05, 0, 0, -3), EXIT],
      'vm-jump-target',
      'insn 0: jumps to instruction -2',
    ],
    [
      'a jump into ld_imm64',
      [insn(0x05, 0, 0, 1), ...loadConstant(0, 1n), EXIT],
      'vm-jump-target',
      'jumps to instruction 2',
    ],
    ['half a ld_imm64', [ZERO, insn(0x18, 0, 0, 0, 1)], 'vm-code-cut', 'insn 1: the function ends inside'],
    [
      'a conditional jump at the end',
      [ZERO, insn(0x15, 0, 0, -2, 0)],
      'vm-falls-off',
      'insn 1: the function ends after a conditional jump',
    ],
    ['an unknown opcode', [insn(0xff), EXIT], 'vm-unknown-insn', 'insn 0: unknown instruction 0xff'],
    [
      'a load with a number',
      [ZERO, insn(0x15, 0, 0, 1, 0), insn(0x79, 1, 10, -8, 3), EXIT],
      'vm-reserved-field',
      'insn 2: instruction 0x79: imm is 3, and must be 0',
    ],
    [
      'a second half with an offset',
      [insn(0x18, 1), insn(0, 0, 0, 9), ZERO, EXIT],
      'vm-reserved-field',
      'insn 0: instruction 0x18: offset is 9, and must be 0',
    ],
  ])('refused before anything runs: %s', (_, insns, code, message) => {
    const build = () => createMachine(testObject([{ name: 'main', insns }]));
    expect(build).toThrow(expect.objectContaining({ code }));
    expect(errorOf(build)).toContain(message);
  });
});

describe('instructions that no program may have', () => {
  const CASES: readonly (readonly [string, Insn, string, string])[] = [
    [
      'an unknown atomic',
      insn(0xdb, 10, 0, -8, 0x77),
      'vm-reserved-field',
      'instruction 0xdb: imm is 119, and must',
    ],
    [
      'an atomic byte',
      insn(0xd3, 10, 0, -8, 0),
      'vm-reserved-field',
      '0xd3: imm is 0, and must be 256 or 272',
    ],
    [
      'a byte swap of 24 bits',
      insn(0xd4, 0, 0, 0, 24),
      'vm-reserved-field',
      'imm is 24, and must be 16, 32 or 64',
    ],
    [
      'a sign extension of 5 bits',
      insn(0xbf, 0, 1, 5),
      'vm-reserved-field',
      'offset is 5, and must be 0, 8, 16 or 32',
    ],
    ['a goto with a number', insn(0x05, 0, 0, 0, 7), 'vm-reserved-field', 'imm is 7, and must be 0'],
    ['an exit with a register', insn(0x95, 3), 'vm-reserved-field', 'dst is 3, and must be 0'],
    ['register 11', insn(0xb7, 11, 0, 0, 0), 'vm-register', 'there is no register r11'],
    ['register 12 as a source', insn(0xbf, 0, 12), 'vm-register', 'there is no register r12'],
    ['register 15 in a condition', insn(0x1d, 15, 14, 0), 'vm-register', 'there is no register r15'],
    ['the frame pointer, written', insn(0xb7, 10, 0, 0, 0), 'vm-register', 'writes r10, which is read-only'],
    [
      'the frame pointer, fetched',
      insn(0xdb, 10, 10, -8, 1),
      'vm-register',
      'writes r10, which is read-only',
    ],
    [
      'the frame pointer, acquired',
      insn(0xdb, 10, 1, -8, 0x100),
      'vm-register',
      'writes r10, which is read-only',
    ],
  ];

  test.each(CASES)('%s ends a run that reaches it', (_, wrong, code, message) => {
    const machine = createMachine(testObject([{ name: 'main', insns: [ZERO, wrong, ZERO, EXIT] }]));
    const run = () => machine.run(PACKET);
    expect(run).toThrow(expect.objectContaining({ code }));
    expect(errorOf(run)).toContain('insn 1: ');
    expect(errorOf(run)).toContain(message);
  });

  test.each(CASES)('%s is not judged where no run comes', (_, wrong) => {
    const jump = insn(0x15, 0, 0, 1, 0);
    const machine = createMachine(testObject([{ name: 'main', insns: [ZERO, jump, wrong, ZERO, EXIT] }]));
    expect(machine.run(PACKET).verdict).toBe(0);
    const never = [ZERO, insn(0x05, 0, 0, 1), wrong, EXIT];
    expect(createMachine(testObject([{ name: 'main', insns: never }])).run(PACKET).verdict).toBe(0);
  });
});

describe('packet bounds follow the packet', () => {
  /**
   * Moves an end by `distance` with that helper, then reads the byte at `offset` from the packet's start
   * before.
   */
  const machineOf = (helper: number, distance: number, offset: number) =>
    createMachine(
      testObject(
        main(
          insn(0xbf, 6, 1),
          insn(0x61, 7, 1, 0),
          insn(0xb7, 2, 0, 0, distance),
          insn(0x85, 0, 0, 0, helper),
          insn(0x71, 0, 7, offset),
        ),
      ),
    );
  const [HEAD, TAIL, META] = [44, 65, 54];

  test.each<readonly [string, number, number, number, string]>([
    ['bytes cut off the front', HEAD, 10, 9, "1 byte before the packet's start"],
    ['bytes left at the front', HEAD, 10, 10, 'no error'],
    ['bytes put in front', HEAD, -20, -20, 'no error'],
    ['bytes before those', HEAD, -20, -21, "1 byte before the packet's start"],
    ['bytes cut off the end', TAIL, -4, 60, "1 byte past the packet's end"],
    ['bytes left at the end', TAIL, -4, 59, 'no error'],
    ['bytes added at the end', TAIL, 30, 93, 'no error'],
    ['bytes after those', TAIL, 30, 94, "1 byte past the packet's end"],
    ['metadata', META, -8, -8, 'no error'],
    ['before the metadata', META, -8, -9, "9 bytes before the packet's start"],
  ])('%s', (_, helper, distance, offset, message) => {
    const machine = machineOf(helper, distance, offset);
    for (let round = 0; round < 3; round++) {
      expect(errorOf(() => machine.run(PACKET))).toContain(message);
    }
  });

  test('a shorter packet after a longer one ends earlier, a longer one later', () => {
    const machine = createMachine(testObject(main(insn(0x61, 7, 1, 0), insn(0x71, 0, 7, 70))));
    const lengths = [100, 70, 71, 64, 500, 0, 90, 70];
    expect(lengths.map(length => errorOf(() => machine.run(new Uint8Array(length))) === 'no error')).toEqual(
      lengths.map(length => length > 70),
    );
  });

  test('what a run left in the headroom is not there in the next one', () => {
    // Puts 8 bytes before it, adds their first one to r0, and changes it.
    const machine = createMachine(
      testObject(
        main(
          insn(0xbf, 6, 1),
          insn(0xb7, 2, 0, 0, -8),
          insn(0x85, 0, 0, 0, HEAD),
          insn(0x61, 7, 6, 0),
          insn(0x71, 0, 7, 0),
          insn(0x72, 7, 0, 0, 9),
        ),
      ),
    );
    expect([1, 2, 3].map(() => machine.run(PACKET).verdict)).toEqual([0, 0, 0]);
  });
});

const CALL = insn(0x85, 0, 1, 0, -1);

/** A chain of functions, each calling the next, with that much stack each. */
function chain(depths: readonly number[]): TestFunction[] {
  return depths.map((depth, index): TestFunction => {
    const uses = depth > 0 ? [insn(0x7a, 10, 0, -depth, 1)] : [];
    const last = index === depths.length - 1;
    return {
      name: `f${index + 1}`,
      insns: last ? [...uses, insn(0xb7, 0, 0, 0, 7), EXIT] : [...uses, CALL, EXIT],
      ...(last ? {} : { refers: { [uses.length]: { kind: 'call', name: `f${index + 2}` } as const } }),
    };
  });
}

describe('calls', () => {
  const run = (functions: TestFunction[]) => createMachine(testObject(functions)).run(PACKET).verdict;

  test('eight frames are allowed, nine are not', () => {
    expect(run(chain(new Array(8).fill(0)))).toBe(7);
    expect(errorOf(() => run(chain(new Array(9).fill(0))))).toBe(
      'test.o: function "f8": insn 0: calls "f9" from frame 8: a program has at most 8 frames',
    );
  });

  test('512 bytes of stack are allowed over all frames, more are not', () => {
    expect(run(chain([256, 128, 128]))).toBe(7);
    expect(errorOf(() => run(chain([256, 128, 136])))).toBe(
      'test.o: function "f2": insn 1: calling "f3", which takes 144 bytes of stack, makes 528 bytes in all: a program has 512',
    );
    expect(run(chain([496, 8]))).toBe(7);
    expect(run(chain([512, 0]))).toBe(7);
    expect(errorOf(() => run(chain([512, 8])))).toContain(
      'calling "f2", which takes 16 bytes of stack, makes 528',
    );
  });

  test('frames are given back when calls return', () => {
    const calls = [
      {
        name: 'main',
        insns: [...new Array(20).fill(CALL), EXIT],
        refers: Object.fromEntries(
          [...Array(20).keys()].map(i => [i, { kind: 'call' as const, name: 'f1' }]),
        ),
      },
      ...chain([64, 64, 64, 64, 64, 64, 64]),
    ];
    expect(run(calls)).toBe(7);
    // One more frame, so that calls are counted at run time.
    const counted = [...calls.slice(0, 1), ...chain([32, 32, 32, 32, 32, 32, 32, 32])];
    expect(errorOf(() => run(counted))).toContain('function "f7": insn 1: calls "f8" from frame 8');
  });

  test('recursion ends where the frames do', () => {
    const functions: TestFunction[] = [
      { name: 'main', insns: [CALL, EXIT], refers: { 0: { kind: 'call', name: 'again' } } },
      {
        name: 'again',
        insns: [CALL, EXIT],
        refers: { 0: { kind: 'call', name: 'again' } },
        lines: [{ insnIndex: 0, file: '/src/again.bpf.c', text: '  return again(ctx);', line: 9, column: 3 }],
      },
    ];
    expect(errorOf(() => run(functions))).toBe(
      'test.o: function "again": insn 0: calls "again" from frame 8: a program has at most 8 frames; again.bpf.c:9: return again(ctx);',
    );
  });

  test('recursion that ends itself in time is not an error', () => {
    const functions: TestFunction[] = [
      {
        name: 'main',
        insns: [insn(0xb7, 1, 0, 0, 6), CALL, EXIT],
        refers: { 1: { kind: 'call', name: 'down' } },
      },
      {
        name: 'down',
        insns: [
          insn(0xbf, 6, 1),
          insn(0x55, 1, 0, 2, 0),
          ZERO,
          EXIT,
          insn(0x07, 1, 0, 0, -1),
          CALL,
          insn(0x0f, 0, 6),
          EXIT,
        ],
        refers: { 5: { kind: 'call', name: 'down' } },
      },
    ];
    expect(run(functions)).toBe(21);
  });

  test('callbacks count as frames', () => {
    const loop = (callee: string): TestFunction['insns'] => [
      ...[insn(0xb7, 1, 0, 0, 1), ...loadConstant(2, 0n), insn(0xb7, 3, 0, 0, 0), insn(0xb7, 4, 0, 0, 0)],
      insn(0x85, 0, 0, 0, 181),
      EXIT,
      ...(callee === '' ? [] : []),
    ];
    const nested = (count: number): TestFunction[] =>
      Array.from({ length: count }, (_, index): TestFunction => {
        const last = index === count - 1;
        return {
          name: `f${index + 1}`,
          insns: last ? [ZERO, EXIT] : loop(`f${index + 2}`),
          ...(last ? {} : { refers: { 1: { kind: 'address', name: `f${index + 2}` } as const } }),
        };
      });
    expect(run(nested(8))).toBe(1);
    expect(errorOf(() => run(nested(9)))).toBe(
      'test.o: function "f9": insn 0: calls "f9" from frame 8: a program has at most 8 frames',
    );
  });
});

describe('arguments of helpers', () => {
  const [ABORTED, REDIRECT] = [0, 4];

  test.each<readonly [string, readonly Insn[], number]>([
    ['no flags', [insn(0xb7, 2, 0, 0, 0)], REDIRECT],
    ['flags in the upper half, known', loadConstant(2, 1n << 32n), ABORTED],
    ['flags in the upper half, not known', [insn(0x61, 2, 1, 12), insn(0x67, 2, 0, 0, 32)], ABORTED],
    ['a negative number as flags', [insn(0xb7, 2, 0, 0, -1)], ABORTED],
    ['flags not known, but zero', [insn(0x61, 2, 1, 16)], REDIRECT],
  ])('%s', (_, flags, verdict) => {
    const machine = createMachine(
      testObject(main(...flags, insn(0xb7, 1, 0, 0, 42), insn(0x85, 0, 0, 0, 23))),
    );
    expect(machine.run(PACKET).verdict).toBe(verdict);
  });
});

describe('options', () => {
  const countdown = main(insn(0xb7, 0, 0, 0, 10), insn(0x17, 0, 0, 0, 1), insn(0x55, 0, 0, -2, 0));

  test('the budget counts backward jumps and calls', () => {
    expect(createMachine(testObject(countdown), { budget: 10 }).run(PACKET).verdict).toBe(0);
    expect(errorOf(() => createMachine(testObject(countdown), { budget: 9 }).run(PACKET))).toContain(
      'insn 2: still running after 9 backward jumps and calls',
    );
  });

  test('the limits are those of the options, and a budget of its own goes first', () => {
    const run = (options: MachineOptions) =>
      createMachine(testObject(countdown), options).run(PACKET).verdict;
    expect(run({ limits: { budget: 10 } })).toBe(0);
    const text = errorOf(() => run({ limits: { budget: 9 } }));
    expect(text).toContain('possible infinite loop, or raise the limit: --limits budget=18 (option limits)');
    expect(run({ budget: 10, limits: { budget: 9 } })).toBe(0);
    expect(errorOf(() => run({ limits: { machine: 2 ** 16 } }))).toContain('--limits machine=SIZE');
    expect(errorOf(() => run({ limits: { machine: 0 } }))).toContain(
      'limit machine: 0 is not a whole number',
    );
  });

  test.each([0, -1, 1.5, 2 ** 31])('a budget of %d is refused', budget => {
    expect(errorOf(() => createMachine(testObject(main(ZERO)), { budget }))).toContain(
      'a budget is a whole number',
    );
  });

  test('a machine that is closed runs nothing', () => {
    const machine = createMachine(testObject(main(ZERO)));
    machine.close();
    expect(errorOf(() => machine.run(PACKET))).toBe('the machine is closed');
  });

  test('the memory has a limit', () => {
    expect(errorOf(() => createMachine(testObject(main(ZERO)), { maxMemory: 100_000 }))).toMatch(
      /need \d+ MiB of machine memory, more than the limit of 1 MiB\n {2}hint: raise the limit/,
    );
  });

  test('a packet of any length is taken, up to a limit', () => {
    const length = main(insn(0x61, 0, 1, 4), insn(0x61, 2, 1, 0), insn(0x1f, 0, 2));
    const machine = createMachine(testObject(length));
    for (const size of [0, 1, 13, 14, 1500, 4000, 70_000, 0x80000]) {
      expect(machine.run(new Uint8Array(size)).verdict).toBe(size);
    }
    expect(errorOf(() => machine.run(new Uint8Array(0x80001)))).toContain('longer than 524288');
  });
});
