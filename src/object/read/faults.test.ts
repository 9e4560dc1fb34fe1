/** Objects of which a part is faulty: programs that do not need it load and run. */

import { describe, expect, test } from 'vitest';
import {
  build,
  call,
  EXIT,
  FUNC,
  jump,
  move,
  type Sample,
  sample,
  symbol,
} from '../../../test/hostile/object-sample.ts';
import { RootletError } from '../../diag/problem.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { link } from '../../link/link.ts';
import { loadObject } from '../../load/load.ts';
import { planLoad } from '../../load/plan/object.ts';
import { preparedAlone } from '../../load/plan/prepared.ts';
import { createMachine } from '../../vm/run/machine.ts';
import type { BpfObject } from '../model/model.ts';
import { writeObject } from '../write/write.ts';
import { InputObject } from './input.ts';
import { readObject } from './read.ts';

const { sys, reason } = kernelForTests();

/** The sample without the map, which needs types. */
function withoutMap(parts: Sample): void {
  parts.data.delete('.maps');
  parts.symbols.splice(
    parts.symbols.findIndex(({ name }) => name === 'shared'),
    1,
  );
  parts.relocations.get('tc')?.pop();
}

/** The sample with a second program, `other`, that needs nothing but itself. */
function withOther(change: (parts: Sample) => void = () => {}): {
  readonly name: string;
  readonly bytes: Uint8Array;
} {
  const parts = sample();
  parts.insns.tc.push(move(7), EXIT);
  parts.symbols.push(symbol('other', 'tc', 64, 16, { type: FUNC }));
  change(parts);
  return { name: 'x.o', bytes: build(parts) };
}

function codesOf(body: () => unknown): readonly string[] {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error.problems.map(({ code }) => code);
    throw error;
  }
  return [];
}

const planned = (object: BpfObject, ...names: readonly string[]) =>
  planLoad(preparedAlone(object), { programs: name => names.includes(name) }).programs.map(
    ({ name }) => name,
  );
const run = (object: BpfObject, program: string) =>
  createMachine(object, { program }).run(new Uint8Array(64)).verdict;

/** A fault in `helper`, which `prog` calls. */
const IN_CODE: readonly (readonly [what: string, change: (parts: Sample) => void, code: string])[] = [
  ['jumps out of itself', parts => parts.insns.text.splice(0, 1, jump(1)), 'object-jump-outside'],
  ['jumps before itself', parts => parts.insns.text.splice(0, 1, jump(-2)), 'object-jump-outside'],
  ['calls nothing', parts => parts.insns.text.splice(0, 1, call(100)), 'object-call-nowhere'],
  [
    'ends in an instruction',
    parts => parts.insns.text.splice(1, 1, { ...EXIT, opcode: 0x18 }),
    'object-insn-cut',
  ],
];

describe.each(IN_CODE)('a function that %s', (_, change, code) => {
  const file = withOther(parts => {
    withoutMap(parts);
    change(parts);
  });
  const object = readObject(file, { keepFaults: true });

  test('is refused by whoever needs the whole object', () => {
    expect(codesOf(() => readObject(file))).toEqual([code]);
    expect(codesOf(() => writeObject(object))).toEqual([code]);
    const linked = [link([file]), link([object]), link([new InputObject(file)])];
    expect(linked.map(one => (one.ok ? [] : one.problems.map(problem => problem.code)))).toEqual([
      [code],
      [code],
      [code],
    ]);
  });

  test('is refused with each program that reaches it, and with no other', () => {
    expect(new InputObject(file).object.symbols).toHaveLength(object.symbols.length);
    expect(codesOf(() => planned(object, 'prog'))).toEqual([code]);
    expect(codesOf(() => planned(object, 'prog', 'other'))).toEqual([code]);
    expect(planned(object, 'other')).toEqual(['other']);
  });

  test('does not stop another program from running', () => {
    expect(codesOf(() => run(object, 'prog'))).toEqual([code]);
    expect(run(object, 'other')).toBe(7);
  });

  test.skipIf(sys === undefined)(`does not stop another program from being loaded (${reason ?? ''})`, () => {
    if (sys === undefined) return;
    using loaded = loadObject(object, sys, { pinRoot: null, programs: name => name === 'other' });
    expect([...loaded.programs.keys()]).toEqual(['other']);
  });
});

/** The file with one byte of a section changed. */
function spoilt(section: '.BTF' | '.BTF.ext', change: (parts: Sample) => void = withoutMap) {
  const file = withOther(change);
  const magic = Buffer.from([0x9f, 0xeb, 1, 0]);
  const first = Buffer.from(file.bytes).indexOf(magic);
  const second = Buffer.from(file.bytes).indexOf(magic, first + 4);
  const bytes = file.bytes.slice();
  bytes[(section === '.BTF' ? first : second) + 2] = 9;
  return { name: 'x.o', bytes };
}

describe('types that cannot be read', () => {
  test.each(['.BTF', '.BTF.ext'] as const)('%s is left out where nothing needs it', section => {
    const file = spoilt(section);
    expect(codesOf(() => readObject(file))).toEqual(['btf-version']);
    const object = readObject(file, { keepFaults: true });
    expect(object.notes?.[0]).toContain(`section "${section}": is ignored: version 9 is not known`);
    expect(object.btf === null).toBe(section === '.BTF');
    expect(run(object, 'other')).toBe(7);
    expect(planned(object, 'prog', 'other')).toEqual(['prog', 'other']);
    expect(codesOf(() => writeObject(object))).toEqual(['btf-version']);
  });

  test('is an error where a map is defined by them', () => {
    const file = spoilt('.BTF', () => {});
    expect(() => readObject(file, { keepFaults: true })).toThrow(/section "\.maps" needs it/);
  });

  test('is an error where an extern is described by them', () => {
    const file = spoilt('.BTF', parts => {
      withoutMap(parts);
      parts.symbols.push(symbol('open', 0, 0, 0, { type: 0 }));
    });
    expect(() => readObject(file, { keepFaults: true })).toThrow(/extern "open" needs it/);
  });

  test.each(['.BTF', '.BTF.ext'] as const)('%s is an error where CO-RE relocations need it', section => {
    const file = spoilt(section, parts => {
      withoutMap(parts);
      parts.ext.core.push({ section: 'tc', byteOffset: 0, type: 1, access: '0', kind: 8 });
    });
    expect(() => readObject(file, { keepFaults: true })).toThrow(/CO-RE relocations need it/);
  });
});
