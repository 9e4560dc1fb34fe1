/** One object for each code of a plan that had none. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { BpfObject, BpfSymbol } from '../../object/model/model.ts';
import { findGlobal } from '../../object/values/globals.ts';
import { writeObject } from '../../object/write/write.ts';
import { BPF_CORE_TYPE_ID_LOCAL } from '../../uapi/core-relocations.ts';
import { openKernelTypes } from '../externs/kernel-types.ts';
import { prepareLoad } from '../load.ts';
import { planLoad } from './object.ts';
import { preparedAlone } from './prepared.ts';

const PROGRAM: SymbolSpec = { name: 'p', kind: 'function', section: 'xdp' };
const coded = (code: string) => expect.objectContaining({ code });

function changed(object: BpfObject, name: string, change: (symbol: BpfSymbol) => BpfSymbol): BpfObject {
  return { ...object, symbols: object.symbols.map(one => (one.name === name ? change(one) : one)) };
}

/** `p` refers to `target` like that. */
function referring(target: SymbolSpec, kind: 'call' | 'address', addend = 0, symbol?: number): BpfObject {
  const object = objectOf('a.o', [{ ...PROGRAM, uses: [target.name] }, target]);
  return changed(object, 'p', one =>
    one.kind === 'function'
      ? {
          ...one,
          references: one.references.map(ref => ({ ...ref, kind, addend, symbol: symbol ?? ref.symbol })),
        }
      : one,
  );
}

/** Data of variable or map `name` holds an address. */
function pointing(object: BpfObject, name: string, offset: number, target: string): BpfObject {
  const symbol = object.symbols.findIndex(one => one.name === target);
  return changed(object, name, one =>
    one.kind === 'variable' || one.kind === 'map'
      ? { ...one, references: [{ offset, width: 8, symbol, addend: 0, kind: 'address' }] }
      : one,
  );
}

const MAP: SymbolSpec = { name: 'm', kind: 'map' };
const VARIABLE: SymbolSpec = { name: 'v', kind: 'variable', size: 8 };

describe('a plan', () => {
  test.each<readonly [string, BpfObject]>([
    ['load-reference', referring(VARIABLE, 'call')],
    ['load-reference', referring(VARIABLE, 'address', 0, 99)],
    ['load-map-offset', referring(MAP, 'address', 8)],
    ['load-unresolved-extern', referring({ name: 'e', kind: 'extern variable' }, 'address')],
    [
      'load-data-pointer',
      pointing(objectOf('a.o', [PROGRAM, VARIABLE, { ...VARIABLE, name: 'w' }]), 'v', 0, 'w'),
    ],
    ['load-map-initialiser', pointing(objectOf('a.o', [PROGRAM, MAP]), 'm', 0, 'p')],
    ['load-program-twice', objectOf('a.o', [PROGRAM, PROGRAM])],
  ])('%s', (code, object) => {
    expect(() => planLoad(preparedAlone(object))).toThrow(coded(code));
  });

  test('of the same symbols, used as they can be', () => {
    const fine = [
      referring(VARIABLE, 'address'),
      referring(MAP, 'address'),
      objectOf('a.o', [PROGRAM, VARIABLE]),
    ];
    for (const object of fine) expect(planLoad(preparedAlone(object)).programs).toHaveLength(1);
  });

  test('variables that are larger together than the value of a map', () => {
    const specs = ['v', 'w'].map((name): SymbolSpec => ({ ...VARIABLE, name, section: '.bss' }));
    const grown = (size: number) => {
      const object = objectOf('a.o', [PROGRAM, ...specs]);
      const symbols = object.symbols.map(one => (one.kind === 'variable' ? { ...one, size } : one));
      return () => planLoad(preparedAlone({ ...object, symbols }));
    };
    expect(grown(0x3fff_fff8)).not.toThrow(coded('elf-number-too-large'));
    expect(grown(0x4000_0000)).toThrow(coded('elf-number-too-large'));
  });
});

test('load-core-pending: a plan of an object whose CO-RE relocations were not applied', () => {
  const object = changed(objectOf('a.o', [PROGRAM]), 'p', one =>
    one.kind === 'function'
      ? { ...one, coreRecords: [{ insnIndex: 0, type: 1, access: '0', kind: BPF_CORE_TYPE_ID_LOCAL }] }
      : one,
  );
  expect(() => planLoad(preparedAlone(object))).toThrow(coded('load-core-pending'));
});

test('load-global-ambiguous: a static variable of each of two sections', () => {
  const globals = ['.data', '.bss'].map(section => ({
    name: 'v',
    section,
    map: 0,
    type: 0,
    offset: 0,
    size: 4,
    constant: false,
  }));
  expect(() => findGlobal(globals, 'v')).toThrow(coded('load-global-ambiguous'));
  expect(findGlobal(globals, '.bss:v').section).toBe('.bss');
});

test.each([
  ['freplace/f', 'load-no-target'],
  ['struct_ops/f', 'load-no-target'],
  ['fentry', 'load-no-target'],
])('a program in %s that nothing specifies a target of: %s', (section, code) => {
  const object = objectOf('a.o', [{ ...PROGRAM, section }]);
  expect(() => prepareLoad(object, new FakeSys())).toThrow(coded(code));
});

describe('types of a kernel from a file', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'rootlet-types-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const typesIn = (name: string, object: BpfObject) => {
    const path = join(directory, name);
    writeFileSync(path, writeObject(object));
    return openKernelTypes(null, path);
  };

  test('kernel-btf-file: an object without them', () => {
    const object = objectOf('a.o', [PROGRAM]);
    expect(typesIn('a.o', object).vmlinux().name).toBe('vmlinux');
    const bare = {
      ...object,
      btf: null,
      symbols: object.symbols.map(one => ({ ...one, btfId: 0, lines: [] })),
    };
    expect(() => typesIn('b.o', bare as BpfObject).vmlinux()).toThrow(coded('kernel-btf-file'));
  });

  test('load-target-absent: a function that they do not have', () => {
    const kernelTypes = typesIn('c.o', objectOf('c.o', [PROGRAM, { name: 'there', kind: 'function' }]));
    const plan = (target: string) => {
      const object = objectOf('a.o', [{ ...PROGRAM, section: `fentry/${target}` }]);
      return prepareLoad(object, new FakeSys(), { kernelTypes }).plan;
    };
    expect(plan('there').programs).toHaveLength(1);
    expect(() => plan('absent')).toThrow(coded('load-target-absent'));
  });
});
