/** Every rule about calls that stay, with the reason that the report gives; and the calls that are replaced. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../../test/support/objects.ts';
import { BtfBuilder } from '../../../btf/index.ts';
import * as isa from '../../../isa/assemble.ts';
import {
  BPF_JCOND,
  BPF_JEQ,
  BPF_JMP,
  encodeInsns,
  type Insn,
  OP_CALLX,
  OP_GOTOX,
} from '../../../isa/opcodes.ts';
import type { BpfObject, FunctionSymbol } from '../../../object/model/model.ts';
import type { OptimizeOptions } from '../model/options.ts';
import { optimize } from '../optimize.ts';

const program = (...calls: string[]): SymbolSpec => ({
  name: 'prog',
  kind: 'function',
  section: 'xdp',
  calls,
});
const callee = (name: string, more: Partial<SymbolSpec> = {}): SymbolSpec => ({
  name,
  kind: 'function',
  binding: 'local',
  value: 1,
  ...more,
});

/** The object with other properties of one of its functions. */
function changed(object: BpfObject, name: string, change: Partial<FunctionSymbol>): BpfObject {
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' && symbol.name === name ? { ...symbol, ...change } : symbol,
  );
  return { ...object, symbols };
}

const codeOf = (insns: readonly Insn[]): Partial<FunctionSymbol> => ({
  code: encodeInsns(insns, 'little'),
  references: [],
});

/** Why the call of `f` stays, or 'inlined'. */
function fate(object: BpfObject, options: OptimizeOptions = {}, name = 'f'): string {
  const [report] = optimize(object, options).report.programs;
  if (report?.refused != null) return `refused: ${report.refused}`;
  const kept = report?.kept.find(call => call.function === name);
  if (kept !== undefined) return kept.reason;
  return report?.inlined.some(call => call.function === name) === true ? 'inlined' : 'no call';
}

const plain = objectOf('a.o', [program('f'), callee('f')]);
const branches = (count: number): Insn[] => [
  isa.move(0, 1),
  ...Array.from({ length: count }, () => isa.insn(BPF_JMP | BPF_JEQ, 0, 0, 0, 5)),
  isa.EXIT,
];

describe('functions that are inlined', () => {
  test.each<[string, BpfObject]>([
    ['static', plain],
    ['global', objectOf('a.o', [program('f'), callee('f', { binding: 'global' })])],
    ['hidden', objectOf('a.o', [program('f'), callee('f', { binding: 'global', visibility: 'hidden' })])],
    ['static in a program section', objectOf('a.o', [program('f'), callee('f', { section: 'xdp' })])],
    ['of a COMDAT group', changed(plain, 'f', { comdat: 'f' })],
    ['without types', { ...changed(changed(plain, 'f', { btfId: 0 }), 'prog', { btfId: 0 }), btf: null }],
  ])('%s', (_, object) => expect(fate(object)).toBe('inlined'));
});

describe('functions that stay', () => {
  const held = objectOf('a.o', [program('f'), callee('f'), { name: 'ops', kind: 'variable', size: 8 }]);
  const holding = (section: string): BpfObject => {
    const at = held.symbols.findIndex(({ name }) => name === 'f');
    const reference = { offset: 0, width: 8, symbol: at, addend: 0, kind: 'address' } as const;
    const symbols = held.symbols.map(symbol =>
      symbol.kind === 'variable' ? { ...symbol, references: [reference] } : symbol,
    );
    const sections = held.sections.map(shell =>
      shell.name === '.data' ? { ...shell, name: section } : shell,
    );
    return { ...held, symbols, sections };
  };
  const tail = [isa.move(2, 0), isa.move(3, 0), isa.callHelper(12), isa.EXIT];
  test.each<[string, BpfObject, RegExp]>([
    ['tail calls', changed(plain, 'f', codeOf(tail)), /tail calls/],
    [
      'address taken',
      objectOf('a.o', [{ ...program('f'), uses: ['f'] }, callee('f')]),
      /^its address is taken$/,
    ],
    ['operation', holding('.struct_ops'), /operation of a struct_ops/],
    ['held by a variable', holding('.data'), /a variable holds it/],
    ['weak', objectOf('a.o', [program('f'), callee('f', { binding: 'weak' })]), /weak/],
    [
      'a program',
      objectOf('a.o', [program('f'), callee('f', { binding: 'global', section: 'tc' })]),
      /program itself/,
    ],
    [
      'undefined',
      objectOf('a.o', [program('f'), { name: 'f', kind: 'extern function' }]),
      /not defined here/,
    ],
    ['callx', changed(plain, 'f', codeOf([isa.insn(OP_CALLX, 1), isa.EXIT])), /callx/],
    ['gotox', changed(plain, 'f', codeOf([isa.insn(OP_GOTOX, 1), isa.EXIT])), /gotox/],
    ['may_goto', changed(plain, 'f', codeOf([isa.insn(BPF_JMP | BPF_JCOND), isa.EXIT])), /may_goto/],
    ['LD_ABS', changed(plain, 'f', codeOf([isa.insn(0x30, 0, 0, 0, 12), isa.EXIT])), /LD_ABS/],
    ['past its end', changed(plain, 'f', codeOf([isa.move(0, 0)])), /past its end/],
    ['jump out of it', changed(plain, 'f', codeOf([isa.insn(0x05, 0, 0, 9), isa.EXIT])), /out of its code/],
    [
      'large frame',
      changed(
        changed(plain, 'f', codeOf([isa.storeImmediate(0x18, 10, -512, 1), isa.move(0, 0), isa.EXIT])),
        'prog',
        {
          code: encodeInsns([isa.storeImmediate(0x18, 10, -8, 1), isa.callFunction(-1), isa.EXIT], 'little'),
          references: [{ insnIndex: 1, kind: 'call', symbol: 1, addend: 0 }],
        },
      ),
      /its frame of 512 bytes does not fit below 8 bytes/,
    ],
  ])('%s', (_, object, reason) => expect(fate(object)).toMatch(reason));

  test('names of noInline', () => {
    expect(fate(plain, { noInline: ['f'] })).toMatch(/no-inline/);
    expect(optimize(plain, { noInline: ['f'], removeInlined: true }).report.removed).toEqual([]);
  });

  test('exception callbacks', () => {
    const object = objectOf('a.o', [program('f'), callee('f', { binding: 'global' })]);
    const func = object.symbols[0]?.btfId ?? 0;
    const btf = withTag(object.btf, func, 'exception_callback:f');
    expect(fate({ ...object, btf })).toMatch(/exception callback/);
  });

  test('functions with parameters that mean more inside', () => {
    const object = objectOf('a.o', [program('f'), callee('f', { binding: 'global', context: 'xdp_md' })]);
    const func = object.symbols[1]?.btfId ?? 0;
    expect(fate({ ...object, btf: withTag(object.btf, func, 'arg:arena', 0) })).toMatch(/arena/);
    expect(fate({ ...object, btf: withTag(object.btf, func, 'arg:ctx', 0) })).toBe('inlined');
  });
});

/** The types with a further declaration tag. */
function withTag(btf: BpfObject['btf'], type: number, name: string, component = -1): BpfObject['btf'] {
  if (btf === null) throw new Error('no types');
  const builder = new BtfBuilder();
  for (let id = 1; id <= btf.count; id++) builder.add(btf.type(id));
  builder.add({ kind: 'decl_tag', name, type, component, attribute: false });
  return builder.build();
}

describe('scopes', () => {
  const long = codeOf(branches(40));
  const nested = changed(
    objectOf('a.o', [program('a'), callee('a', { calls: ['f'] }), callee('f')]),
    'f',
    codeOf(branches(3)),
  );
  test('below members', () => {
    expect(fate(nested, { inline: 'single' })).toBe('inlined');
    expect(fate(nested, { inline: 'members' })).toMatch(/only functions that the program calls itself/);
    expect(fate(nested, { inline: 'none' })).toBe('no call');
    expect(fate(nested, { inline: 'none' }, 'a')).toBe('nothing is inlined');
  });

  test('several callers', () => {
    const specs = [
      program('a', 'b'),
      callee('a', { calls: ['f'] }),
      callee('b', { calls: ['f'] }),
      callee('f'),
    ];
    const object = changed(objectOf('a.o', specs), 'f', codeOf(branches(3)));
    expect(fate(object, { inline: 'single' })).toBe('it has several callers');
    expect(fate(object, { inline: 'all' })).toBe('inlined');
    expect(fate(objectOf('a.o', specs), { inline: 'members' })).toBe('inlined');
  });

  test('large functions that a program calls several times', () => {
    const object = changed(objectOf('a.o', [program('f', 'f'), callee('f')]), 'f', long);
    expect(fate(object)).toBe('the program calls it 2 times, and it has more than 32 instructions');
    expect(fate(object, { inline: 'all' })).toBe('inlined');
    const once = changed(objectOf('a.o', [program('f'), callee('f')]), 'f', long);
    expect(fate(once)).toBe('inlined');
  });

  test('large global functions with arguments of their own, below members', () => {
    const specs = [program('a'), callee('a', { calls: ['f'] }), callee('f', { binding: 'global' })];
    const withArgument = { ...codeOf([isa.copy(3, 2), ...branches(40)]), btfId: 0 };
    expect(fate(changed(objectOf('a.o', specs), 'f', withArgument))).toMatch(/it is global/);
    expect(fate(changed(objectOf('a.o', specs), 'f', long))).toBe('inlined');
    expect(fate(changed(objectOf('a.o', specs), 'f', codeOf(branches(3))))).toBe('inlined');
  });

  test('copies have a budget', () => {
    const object = changed(
      objectOf('a.o', [program(...new Array<string>(30).fill('f')), callee('f')]),
      'f',
      codeOf(branches(20)),
    );
    const [report] = optimize(object).report.programs;
    expect(report?.inlined.length).toBe(1 + Math.floor(256 / 22));
    expect(report?.kept[0]?.reason).toMatch(/would add more than 256 instructions/);
  });
});

describe('programs that stay', () => {
  test.each<[string, BpfObject, string]>([
    ['recursion', objectOf('a.o', [program('f'), callee('f', { calls: ['f'] })]), 'it calls itself'],
    [
      'depth',
      objectOf('a.o', [
        program('f1'),
        ...Array.from({ length: 9 }, (_, at) =>
          callee(`f${at + 1}`, at < 8 ? { calls: [`f${at + 2}`] } : {}),
        ),
      ]),
      'its calls are nested 10 deep',
    ],
    [
      'LD_ABS',
      changed(plain, 'prog', codeOf([isa.insn(0x30, 0, 0, 0, 12), isa.EXIT])),
      'it reads the packet with LD_ABS or LD_IND, which end the program',
    ],
  ])('%s', (_, object, reason) => {
    expect(fate(object)).toBe(`refused: ${reason}`);
    expect(optimize(object, { removeInlined: true }).object).toEqual(object);
  });
});
