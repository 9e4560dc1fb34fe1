/** One broken rule at a time: functions, calls and what code refers to. Broken containers are in `elf-malformed.test.ts`. */

import { describe, expect, test } from 'vitest';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import {
  build,
  call,
  FUNC,
  jump,
  loadAddress,
  R_ADDRESS,
  R_CALL,
  R_DATA,
  sample,
  symbol,
} from './object-sample.ts';
import { alter, type Case, expectRefusal, relocate, TC } from './object-spoil.ts';

const FUNCTIONS: readonly Case[] = [
  [
    'two functions overlap',
    parts => alter(parts, 'second', { value: 8, size: 16 }),
    'object-overlap',
    'x.o: section ".text": "second": overlaps "helper" (offset 0x8)',
  ],
  [
    'a function of size 0 before another at its place',
    parts => parts.symbols.push(symbol('empty', 'tc', 0, 0, { type: 0 })),
    'object-alias',
    'x.o: section "tc": "prog": is at the place of "empty", but has 64 bytes, not 0 (offset 0x0)',
  ],
  [
    'a nameless-typed global in the middle of an instruction',
    parts => parts.symbols.push(symbol('odd', '.text', 28, 0, { type: 0 })),
    'object-overlap',
    'x.o: section ".text": "odd": overlaps "second" (offset 0x1c)',
  ],
  [
    'a function that ends within an instruction',
    parts => alter(parts, 'second', { type: 0, binding: 1, size: 12 }),
    'object-function-extent',
    'x.o: section ".text": function "second": starts at 16 and has 12 bytes; both must be multiples of 8 (offset 0x10)',
  ],
  [
    'ld_imm64 cut in half by the end of its function',
    parts => alter(parts, 'prog', { size: 16 }),
    'object-insn-cut',
    `${TC} 1: ld_imm64 is cut in half by the end of the function`,
  ],
  [
    'an instruction in the second half of ld_imm64',
    parts => parts.insns.tc.splice(2, 1, call(2, 1)),
    'object-insn-cut',
    `${TC} 1: ld_imm64 has the opcode 0x85 in its second half`,
  ],
  [
    'a jump after the end of its function',
    parts => parts.insns.tc.splice(0, 1, jump(7)),
    'object-relocation-insn',
    `${TC} 0: has opcode 0x5, which a relocation of type 10 does not fit (offset 0x0)`,
  ],
  [
    'a jump into the next function',
    parts => parts.insns.text.splice(0, 1, jump(1)),
    'object-jump-outside',
    'x.o: section ".text": function "helper": insn 0: jumps to instruction 2 of a function of 2',
  ],
  [
    'a jump before its function',
    parts => parts.insns.text.splice(2, 1, jump(-2)),
    'object-jump-outside',
    'x.o: section ".text": function "second": insn 0: jumps to instruction -1 of a function of 2',
  ],
];

const CALLS: readonly Case[] = [
  [
    'a call after the end of its section',
    parts => parts.insns.text.splice(0, 1, call(100)),
    'object-call-nowhere',
    'x.o: section ".text": function "helper": insn 0: calls offset 808 of its section, where no function is',
  ],
  [
    'a call before its section',
    parts => parts.insns.text.splice(0, 1, call(-5)),
    'object-call-nowhere',
    'x.o: section ".text": function "helper": insn 0: calls offset -32 of its section, where no function is',
  ],
  [
    'a call into the middle of another function',
    parts => parts.insns.text.splice(0, 1, call(2)),
    'object-call-inside',
    'x.o: section ".text": function "helper": insn 0: calls byte 8 of function "second" instead of its start',
  ],
  [
    'a call into the middle of its own function',
    parts => parts.insns.text.splice(0, 1, call(0)),
    'object-call-inside',
    'x.o: section ".text": function "helper": insn 0: calls byte 8 of function "helper" instead of its start',
  ],
  [
    'a relocated call into the middle of a function',
    parts => {
      parts.insns.tc.splice(0, 1, call(0));
      relocate(parts, 'tc', { offset: 0, type: R_CALL, symbol: '@.text' });
    },
    'object-call-inside',
    `${TC} 0: calls byte 8 of function "helper" instead of its start`,
  ],
  [
    'a call of a variable',
    parts => relocate(parts, 'tc', { offset: 0, type: R_CALL, symbol: 'counter' }),
    'object-call-data',
    `${TC} 0: calls "counter", which is not a function`,
  ],
  [
    'a call of a named function with an offset, as binutils 2.40 writes it',
    parts => {
      parts.symbols.push(symbol('third', '.text', 16, 16, { type: FUNC }));
      parts.symbols.splice(0, 1);
      parts.insns.tc.splice(0, 1, call(15));
      relocate(parts, 'tc', { offset: 0, type: R_CALL, symbol: 'third' });
    },
    'object-addend',
    `${TC} 0: calls byte 128 of function "third", which has 16 bytes`,
  ],
  [
    'a relocated call of a helper by number',
    parts => parts.insns.tc.splice(0, 1, call(1, 0)),
    'object-relocation-insn',
    `${TC} 0: calls a helper by number, which a relocation of type 10 does not fit (offset 0x0)`,
  ],
];

const REFERENCES: readonly Case[] = [
  [
    'a relocation of the second half of ld_imm64',
    parts => relocate(parts, 'tc', { offset: 16, type: R_CALL, symbol: 'helper' }),
    'object-relocation-insn',
    `${TC} 2: is the second half of ld_imm64, which a relocation of type 10 does not fit (offset 0x10)`,
  ],
  [
    'a call relocation of ld_imm64',
    parts => relocate(parts, 'tc', { offset: 8, type: R_CALL, symbol: 'helper' }),
    'object-relocation-insn',
    `${TC} 1: has opcode 0x18, which a relocation of type 10 does not fit (offset 0x8)`,
  ],
  [
    'an address relocation of a call',
    parts => relocate(parts, 'tc', { offset: 0, type: R_ADDRESS, symbol: 'counter' }),
    'object-relocation-insn',
    `${TC} 0: has opcode 0x85, which a relocation of type 1 does not fit (offset 0x0)`,
  ],
  [
    'a relocation for data in code',
    parts => relocate(parts, 'tc', { offset: 8, type: R_DATA, symbol: 'counter' }),
    'object-relocation-insn',
    `${TC} 1: has opcode 0x18, which a relocation of type 2 does not fit (offset 0x8)`,
  ],
  [
    'two relocations of one instruction',
    parts =>
      relocate(
        parts,
        'tc',
        { offset: 8, type: R_ADDRESS, symbol: 'counter' },
        { offset: 8, type: R_ADDRESS, symbol: 'table' },
      ),
    'elf-relocation-duplicate',
    'x.o: section ".reltc": changes offset 8 twice',
  ],
  [
    'two relocations that overlap in data',
    parts =>
      relocate(
        parts,
        '.data',
        { offset: 4, type: R_DATA, symbol: 'counter' },
        { offset: 8, type: 3, symbol: 'table' },
      ),
    'object-relocation-duplicate',
    'x.o: section ".data": two relocations apply to one place (offset 0x8)',
  ],
  [
    'a relocation in a string that nothing refers to',
    parts => {
      parts.data.set('.rodata.str1.1', new Uint8Array(16));
      parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
      relocate(parts, '.rodata.str1.1', { offset: 8, type: 3, symbol: 'counter' });
    },
    'object-relocation-place',
    'x.o: section ".rodata.str1.1": a relocation does not apply to a variable (offset 0x8)',
  ],
  [
    'a relocation across the end of a variable',
    parts => relocate(parts, '.data', { offset: 0, type: R_DATA, symbol: 'counter' }),
    'object-relocation-data',
    'x.o: section ".data": "counter": relocation type 2 does not fit its place (offset 0x0)',
  ],
  [
    'a relocation of a license',
    parts => relocate(parts, 'license', { offset: 0, type: 3, symbol: 'counter' }),
    'object-license-pointer',
    'x.o: section "license": contains a relocation where a string is expected',
  ],
  [
    'an address beyond the end of a variable',
    parts => parts.insns.tc.splice(3, 2, ...loadAddress(16)),
    'object-addend',
    `${TC} 3: loads the address of byte 16 of variable "table", which has 12 bytes`,
  ],
  [
    'an address before a variable',
    parts => parts.insns.tc.splice(3, 2, ...loadAddress(-4, -1)),
    'object-addend',
    `${TC} 3: loads the address of byte -4 of variable "table", which has 12 bytes`,
  ],
  [
    'an address inside a map',
    parts => parts.insns.tc.splice(5, 2, ...loadAddress(8)),
    'object-addend',
    `${TC} 5: loads the address of byte 8 of map "shared", which has 16 bytes`,
  ],
  [
    'an addend of more than 32 bits',
    parts => parts.insns.tc.splice(3, 2, ...loadAddress(4, 1)),
    'object-addend',
    `${TC} 3: loads an address with the addend 4294967300`,
  ],
  [
    'an addend with an upper half that does not extend the sign',
    parts => parts.insns.tc.splice(3, 2, ...loadAddress(4, -1)),
    'object-addend',
    `${TC} 3: loads an address with the addend 18446744069414584324`,
  ],
  [
    'an addend of more than 53 bits in data',
    parts => {
      const bytes = new Uint8Array(16).fill(0x7f);
      parts.data.set('.data', bytes);
      relocate(parts, '.data', { offset: 4, type: R_DATA, symbol: 'counter' });
    },
    'object-addend',
    'x.o: section ".data": "table": holds the addend 9187201950435737471, which is not an offset (offset 0x0)',
  ],
  [
    'an address in a section where nothing is',
    parts => {
      parts.insns.tc.splice(1, 2, ...loadAddress(2000));
      relocate(parts, 'tc', { offset: 8, type: R_ADDRESS, symbol: '@.data' });
    },
    'object-reference-nowhere',
    `${TC} 1: refers to offset 2000 of ".data", where nothing is defined`,
  ],
  [
    'data of a section that is not part of the program',
    parts => {
      parts.data.set('.comment', new Uint8Array(8));
      parts.shells.set('.comment', { flags: 0 });
      relocate(parts, 'tc', { offset: 8, type: R_ADDRESS, symbol: '@.comment' });
    },
    'object-reference-dropped',
    `${TC} 1: refers to ".comment", which is not part of the program`,
  ],
  [
    'a function of DWARF',
    parts => {
      parts.data.set('.debug_info', new Uint8Array(8));
      parts.shells.set('.debug_info', { flags: 0 });
      relocate(parts, 'tc', { offset: 0, type: R_CALL, symbol: '@.debug_info' });
    },
    'object-reference-dropped',
    `${TC} 0: refers to ".debug_info", which is not part of the program`,
  ],
];

describe.each([
  ['functions', FUNCTIONS],
  ['calls', CALLS],
  ['references', REFERENCES],
] as const)('%s', (_, cases) => {
  test.each(cases)('%s', (_what, change, code, message) => expectRefusal(change, code, message));
});

test('the sample itself is in order, and stays the same', () => {
  for (const order of ['little', 'big'] as const) {
    const object = readObject({ name: 'x.o', bytes: build(sample(), order) });
    expect(object.symbols.map(one => one.name)).toEqual([
      'helper',
      'second',
      'prog',
      'counter',
      'table',
      'shared',
      '_license',
    ]);
    const bytes = writeObject(object);
    expect(Buffer.from(writeObject(readObject({ name: 'x.o', bytes }))).equals(bytes)).toBe(true);
  }
});
