/** Control flow as data: blocks with lines of C, edges with conditions, loops. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { encodeInsns, type Insn } from '../../isa/opcodes.ts';
import type { BpfObject } from '../model/model.ts';
import { readObject } from '../read/read.ts';
import { flowPicture } from './flow-picture.ts';

const FIREWALL = read('examples/obj/el/second_firewall.bpf.o');

function read(name: string): BpfObject {
  return readObject({ name, bytes: readFileSync(name) });
}

function withCode(insns: readonly Insn[]): BpfObject {
  const object = objectOf('a.o', [{ name: 'f', kind: 'function' }]);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' ? { ...symbol, code: encodeInsns(insns, 'little'), lines: [] } : symbol,
  );
  return { ...object, symbols };
}

const insn = (opcode: number, offset = 0): Insn => ({ opcode, dst: 1, src: 0, offset, imm: 5 });
const EXIT: Insn = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };

describe('lines of C', () => {
  const picture = flowPicture(FIREWALL, 'foo');

  test('are in the blocks that they became, with their numbers, and the file where it is another one', () => {
    expect(picture.title).toBe('foo');
    expect(picture.details).toEqual([
      'control flow, examples/obj/el/second_firewall.bpf.o, section .text',
      '11 blocks, 64 instructions, 0 loops; lines of second_firewall.bpf.c',
    ]);
    const [entry] = picture.nodes;
    expect(entry).toMatchObject({ kind: 'entry', label: '0–7' });
    expect(entry?.details).toContain('  48  __noinline int foo(struct xdp_md *ctx)');
    expect(entry?.details.join('\n')).toContain('packet.h:17  void *end = (void *)(long)ctx->data_end;');
    expect(picture.nodes.filter(({ kind }) => kind === 'exit')).toMatchObject([{ details: ['  65  }'] }]);
  });

  test('are followed by instructions if these are wanted', () => {
    const [entry] = flowPicture(FIREWALL, 'foo', { disassemble: true }).nodes;
    expect(entry?.details).toContain('   1: call destination_port');
    expect(picture.nodes[0]?.details.join()).not.toContain('destination_port#');
  });

  test('branches say when they are taken', () => {
    const taken = picture.edges.filter(({ kind }) => kind === 'taken');
    expect(taken.map(({ label }) => label)).toContain('r0 == 0');
    expect(picture.edges.filter(({ kind }) => kind === 'next')).toHaveLength(taken.length);
  });
});

describe('code without lines', () => {
  test('is shown as instructions; what goes back is a loop', () => {
    const picture = flowPicture(withCode([insn(0xb7), insn(0x07), insn(0x55, -2), EXIT]), 'f');
    expect(picture.nodes.map(({ kind, details }) => [kind, details])).toEqual([
      ['entry', ['   0: r1 = 5']],
      ['block', ['   1: r1 += 5', '   2: if r1 != 5 goto -2']],
      ['exit', ['   3: exit']],
    ]);
    expect(picture.edges.map(({ from, to, kind, label }) => `${from} ${to} ${kind} ${label}`)).toEqual([
      '0 1 jump ',
      '1 1 loop r1 != 5',
      '1 2 next ',
    ]);
    expect(picture.details[1]).toBe('3 blocks, 4 instructions, 1 loop');
  });

  test('that no program may have is drawn as far as it goes', () => {
    const picture = flowPicture(withCode([insn(0x55, 1), insn(0x05, 99), insn(0xb7)]), 'f');
    expect(picture.nodes.map(({ label }) => label)).toEqual([
      '0',
      '1  ends in a jump that no program may have',
      '2  runs past the end',
    ]);
    expect(flowPicture(withCode([EXIT, insn(0xb7)]), 'f').notes).toEqual([
      '1 instruction that nothing reaches',
    ]);
  });

  test('a long block ends with the number of its lines', () => {
    const long = Array.from({ length: 100 }, () => insn(0xb7));
    const [entry] = flowPicture(withCode([...long, EXIT]), 'f').nodes;
    expect(entry?.details.at(-1)).toMatch(/^… \d+ more lines$/);
    expect(entry?.details.length).toBeLessThan(60);
  });
});

test('a function that there is not', () => {
  const problem = (name: string) => () => flowPicture(FIREWALL, name);
  expect(problem('fo')).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({ code: 'object-no-function', subject: 'fo', hint: 'did you mean "foo"?' }),
      ],
    }),
  );
  expect(problem('rules')).toThrow(/has no function "rules"/);
});

test('more blocks than the limit', () => {
  expect(() => flowPicture(FIREWALL, 'foo', { limits: { picture: 9 } })).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ code: 'picture-limit' })] }),
  );
});
