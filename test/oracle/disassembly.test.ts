/** rootlet's disassembly of real objects agrees with LLVM's. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ByteOrder } from '../../src/bytes/cursor.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_PROGBITS } from '../../src/elf/constants.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { writeElf } from '../../src/elf/write.ts';
import { disassemble, disassembleAt } from '../../src/isa/disasm.ts';
import { CodeView, encodeInsns, type Insn } from '../../src/isa/opcodes.ts';
import { COMMANDS, findCommand, needs } from '../support/needs.ts';
import { outputOf } from '../support/run.ts';

const DIRECTORIES = [
  fileURLToPath(new URL('../../examples/obj/el', import.meta.url)),
  fileURLToPath(new URL('../../examples/obj/eb', import.meta.url)),
  '/usr/lib/x86_64-linux-gnu/bpf',
];

function objects(): string[] {
  return DIRECTORIES.filter(directory => existsSync(directory)).flatMap(directory =>
    readdirSync(directory)
      .filter(name => name.endsWith('.o'))
      .sort()
      .map(name => join(directory, name)),
  );
}

/**
 * `section: slot: text` of each instruction as LLVM prints it. Where LLVM names jump targets, 64-bit numbers and
 * registers differently from rootlet, its spelling is changed; nothing else.
 */
function byLlvm(tool: string, path: string): string[] {
  const args = ['-d', '--no-show-raw-insn', '--no-print-imm-hex', '--mcpu=v4', path];
  const lines: string[] = [];
  let section = '';
  for (const line of outputOf(tool, args).split('\n')) {
    const start = /^Disassembly of section (.*):$/.exec(line);
    if (start?.[1] !== undefined) section = start[1];
    const insn = /^ +(\d+):\s+(.*?)\s*$/.exec(line);
    if (insn?.[1] !== undefined && insn[2] !== undefined)
      lines.push(`${section}: ${insn[1]}: ${respell(insn[2])}`);
  }
  return lines;
}

function respell(text: string): string {
  return text
    .replace(/ <[^<>]*>$/, '')
    .replace(/^(r\d+ = )(-?\d+) ll$/, (_, target: string, value: string) => {
      return `${target}0x${BigInt.asUintN(64, BigInt(value)).toString(16)} ll`;
    })
    .replace(/^w(\d+ = \*\()/, 'r$1')
    .replace(/^(\*\(u\d+ \*\).* = )w/, '$1r');
}

/** LLVM prints only the number of a call, whatever kind it is. */
function callNumber(text: string): string {
  return text.replace(/call (?:.*#|pc\+?)(-?\d+)$/, 'call $1');
}

function byUs(path: string): string[] {
  const file = parseElf({ name: path, bytes: readFileSync(path) });
  return file.sections
    .filter(section => (section.flags & SHF_EXECINSTR) !== 0 && section.size > 0)
    .flatMap(section =>
      disassemble(new CodeView(section.bytes, file.byteOrder)).map(
        ({ insnIndex, text }) => `${section.name}: ${insnIndex}: ${callNumber(text)}`,
      ),
    );
}

const llvm = needs('llvm-objdump');

llvm.test('every instruction of the examples and of installed objects reads as LLVM reads it', () => {
  const tool = findCommand(COMMANDS['llvm-objdump']) ?? '';
  let compared = 0;
  for (const path of objects()) {
    const ours = byUs(path);
    expect(ours, path).toEqual(byLlvm(tool, path));
    compared += ours.length;
  }
  expect(compared).toBeGreaterThan(200);
});

/** Texts that LLVM 19 has no spelling for: newer instructions, the module of a kernel function. */
const BEYOND_LLVM = ['load_acquire', 'store_release', 'gotox', 'of module'];

/** One-slot instructions of every opcode that we know, with telling values in every field. */
function everyInsn(order: ByteOrder): Insn[] {
  const insns: Insn[] = [];
  const offsets = [0, 1, -2, 8, 16, 32, 0x7fff];
  const imms = [0, 1, -5, 16, 32, 64, 65, 80, 81, 160, 161, 0xe1, 0xf1, 0x10001, -0x80000000];
  for (let opcode = 0; opcode < 256; opcode++) {
    for (const [dst, src] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 2],
      [9, 2],
    ] as const) {
      for (const offset of offsets) for (const imm of imms) insns.push({ opcode, dst, src, offset, imm });
    }
  }
  return insns.filter(insn => {
    const { text } = disassembleAt(new CodeView(encodeInsns([insn], order), order), 0);
    // LLVM leaves out the displacement of a packet load relative to a register.
    const displaced = text.includes('skb[r') && insn.imm !== 0;
    return !text.startsWith('unknown') && !displaced && !BEYOND_LLVM.some(part => text.includes(part));
  });
}

for (const order of ['little', 'big'] as const) {
  llvm.test(`every instruction that there is reads as LLVM reads it, ${order} endian`, () => {
    const bytes = encodeInsns(everyInsn(order), order);
    const flags = SHF_ALLOC | SHF_EXECINSTR;
    const text = {
      name: '.text',
      type: SHT_PROGBITS,
      flags,
      align: 8,
      entsize: 0,
      bytes,
      size: bytes.length,
    };
    const object = { byteOrder: order, flags: 4, sections: [text], symbols: [], relocations: new Map() };
    const scratch = mkdtempSync(join(tmpdir(), 'rootlet-isa-'));
    try {
      const path = join(scratch, 'all.o');
      writeFileSync(path, writeElf(object));
      expect(bytes.length / 8).toBeGreaterThan(3000);
      expect(byUs(path)).toEqual(byLlvm(findCommand(COMMANDS['llvm-objdump']) ?? '', path));
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
}
