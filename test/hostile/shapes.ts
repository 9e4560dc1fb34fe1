/** Objects with very many elements of one kind, and of kinds that invite a search for each of them. */

import type { BtfType } from '../../src/btf/model/types.ts';
import { viewOf } from '../../src/bytes/cursor.ts';
import { loadWords } from '../../src/isa/assemble.ts';
import { ObjectMap } from '../fuzz/object-map.ts';
import {
  build,
  call,
  EXIT,
  FUNC,
  jump,
  move,
  OBJECT,
  R_ADDRESS,
  R_CALL,
  type Sample,
  sample,
  symbol,
  TYPE,
} from './object-sample.ts';

/** Adds `count` of something to the sample. */
export type Grow = (parts: Sample, count: number) => void;

export function grown(grow: Grow, count: number): Uint8Array {
  const parts = sample();
  grow(parts, count);
  const bytes = build(parts);
  if (grow === addEnds) shareEnds(bytes, count);
  return bytes;
}

function times(count: number, body: (index: number) => void): void {
  for (let index = 0; index < count; index++) body(index);
}

/** Functions of two instructions in `.text`; `type`: kind of what describes them. */
function addFunctions(
  parts: Sample,
  count: number,
  nameOf: (index: number) => string,
  binding: number,
): void {
  times(count, index => {
    const at = 8 * parts.insns.text.length;
    const name = nameOf(index);
    parts.insns.text.push(move(index), EXIT);
    parts.symbols.push(symbol(name, '.text', at, 16, { type: FUNC, binding }));
    parts.types.push({ kind: 'func', name, type: TYPE.proto, linkage: binding === 0 ? 'static' : 'global' });
    parts.ext.funcs.push({ section: '.text', byteOffset: at, type: parts.types.length });
  });
}

function addVariables(parts: Sample, count: number): number {
  const end = (parts.data.get('.data') ?? new Uint8Array()).length;
  parts.data.set('.data', new Uint8Array(end + 4 * count));
  times(count, index => {
    parts.symbols.push(symbol(`variable${index}`, '.data', end + 4 * index, 4, { type: OBJECT }));
    parts.types.push({ kind: 'var', name: `variable${index}`, type: TYPE.int, linkage: 'global' });
  });
  return end;
}

function addStruct(parts: Sample, name: string, memberName: string): void {
  const members = [{ name: memberName, type: TYPE.int, bitOffset: 0, bitSize: 0 }];
  parts.types.push({ kind: 'struct', name, size: 4, members });
}

/** Extends `prog` before its end. */
function extend(parts: Sample, body: (at: number) => void): void {
  parts.insns.tc.pop();
  body(8 * parts.insns.tc.length);
  parts.insns.tc.push(EXIT);
  const at = parts.symbols.findIndex(one => one.name === 'prog');
  parts.symbols[at] = symbol('prog', 'tc', 0, 8 * parts.insns.tc.length, { type: FUNC });
}

function refer(parts: Sample, count: number, targetOf: (index: number) => string): void {
  const list = parts.relocations.get('tc') ?? [];
  extend(parts, () =>
    times(count, index => {
      list.push({ offset: 8 * parts.insns.tc.length, type: R_ADDRESS, symbol: targetOf(index) });
      parts.insns.tc.push(...loadWords(1, 0, 0, 0));
    }),
  );
}

function mergeable(parts: Sample, bytes: Uint8Array): void {
  parts.data.set('.rodata.str1.1', bytes);
  parts.shells.set('.rodata.str1.1', { flags: 0x32, entsize: 1, align: 1 });
}

function addStrings(parts: Sample, count: number): void {
  const letter = (at: number): number => 0x61 + ((Math.floor(at / 8) >> (at % 8)) % 26);
  mergeable(
    parts,
    new Uint8Array(8 * count).map((_, at) => (at % 8 === 7 ? 0 : letter(at))),
  );
  const list = parts.relocations.get('tc') ?? [];
  extend(parts, () =>
    times(count, index => {
      list.push({ offset: 8 * parts.insns.tc.length, type: R_ADDRESS, symbol: '@.rodata.str1.1' });
      parts.insns.tc.push(...loadWords(1, 0, 8 * index, 0));
    }),
  );
}

function addMaps(parts: Sample, count: number): void {
  const end = 16;
  parts.data.set('.maps', new Uint8Array(end + 16 * count));
  const at = parts.types.findIndex(type => type.kind === 'datasec' && type.name === '.maps');
  const vars = [{ type: TYPE.shared as number, offset: 0, size: 16 }];
  times(count, index => {
    parts.symbols.push(symbol(`map${index}`, '.maps', end + 16 * index, 16));
    parts.types.push({ kind: 'var', name: `map${index}`, type: TYPE.map, linkage: 'global' });
    vars.push({ type: parts.types.length, offset: end + 16 * index, size: 16 });
  });
  parts.types[at] = { kind: 'datasec', name: '.maps', size: end + 16 * count, vars };
}

function addExterns(
  parts: Sample,
  count: number,
  section: string | null,
  type: (index: number) => BtfType,
): void {
  const vars: { type: number; offset: number; size: number }[] = [];
  times(count, index => {
    const added = type(index);
    parts.types.push(added);
    if (added.kind === 'var') vars.push({ type: parts.types.length, offset: 0, size: 4 });
    const name = 'name' in added ? added.name : '';
    parts.symbols.push(symbol(name, 0, 0, 0, { type: 0, binding: 2 }));
  });
  if (section !== null) parts.types.push({ kind: 'datasec', name: section, size: 0, vars });
}

/** Structs whose names are ends of one name: builders do not share strings, so the words are changed in the file. */
function addEnds(parts: Sample, count: number): void {
  addStruct(parts, 'a'.repeat(8 * count), 'member');
  times(count, () => addStruct(parts, '', 'member'));
}

function shareEnds(bytes: Uint8Array, count: number): void {
  const { types } = new ObjectMap('ends.o', bytes);
  const view = viewOf(bytes);
  const [whole, ...ends] = types.slice(-count - 1).map(({ at }) => at);
  if (whole === undefined) throw new Error('no types');
  for (const [index, at] of ends.entries()) view.setUint32(at, view.getUint32(whole, true) + 8 * index, true);
}

function addSections(parts: Sample, count: number, code: boolean): void {
  times(count, index => {
    const section = code ? `tc/s${index}` : `.data.s${index}`;
    const bytes = code
      ? Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
      : new Uint8Array(4);
    parts.data.set(section, bytes);
    if (code) parts.shells.set(section, { flags: 6 });
    parts.symbols.push(symbol(`in${index}`, section, 0, bytes.length, { type: code ? FUNC : OBJECT }));
  });
}

/** Functions with a parameter each; those of one name may be folded where their types agree. */
function addTyped(
  parts: Sample,
  count: number,
  nameOf: (index: number) => string,
  typeOf: (index: number) => number,
): void {
  times(count, index => {
    const at = 8 * parts.insns.text.length;
    const name = nameOf(index);
    const type = typeOf(index);
    parts.types.push({ kind: 'func_proto', returns: TYPE.int, params: [{ name: 'p', type }] });
    parts.types.push({ kind: 'func', name, type: parts.types.length, linkage: 'static' });
    parts.ext.funcs.push({ section: '.text', byteOffset: at, type: parts.types.length });
    parts.insns.text.push(move(1), EXIT);
    parts.symbols.push(symbol(name, '.text', at, 16, { type: FUNC, binding: 0 }));
  });
}

function addPointer(parts: Sample, type: number): number {
  return parts.types.push({ kind: 'ptr', type });
}

/** A struct of `count` members. */
function addLarge(parts: Sample, count: number, typeOf: (index: number) => number): number {
  const members = Array.from({ length: count }, (_, index) => ({
    name: `m${index}`,
    type: typeOf(index),
    bitOffset: 32 * index,
    bitSize: 0,
  }));
  return parts.types.push({ kind: 'struct', name: 'large', size: 4 * count, members });
}

function addTypedefs(parts: Sample, count: number): number {
  times(count, index =>
    parts.types.push({
      kind: 'typedef',
      name: `t${index}`,
      type: index === 0 ? TYPE.int : parts.types.length,
    }),
  );
  return parts.types.length;
}

/** Each function calls the next one. */
function addCalls(parts: Sample, count: number, calleeOf: (index: number) => number): void {
  const list: { offset: number; type: number; symbol: string }[] = [];
  times(count, index => {
    const at = 8 * parts.insns.text.length;
    list.push({ offset: at, type: R_CALL, symbol: `called${calleeOf(index)}` });
    parts.insns.text.push(call(), EXIT);
    parts.symbols.push(symbol(`called${index}`, '.text', at, 16, { type: FUNC }));
    parts.types.push({ kind: 'func', name: `called${index}`, type: TYPE.proto, linkage: 'global' });
    parts.ext.funcs.push({ section: '.text', byteOffset: at, type: parts.types.length });
  });
  parts.relocations.set('.text', list);
}

function tagFunctions(parts: Sample, count: number): void {
  addFunctions(parts, count, index => `tagged${index}`, 0);
  const first = parts.types.findIndex(type => type.kind === 'func' && type.name === 'tagged0') + 1;
  times(count, index =>
    parts.types.push({
      kind: 'decl_tag',
      name: `t${index % 7}`,
      type: first + index,
      component: -1,
      attribute: false,
    }),
  );
}

export const SHAPES: ReadonlyMap<string, Grow> = new Map<string, Grow>([
  ['functions', (parts, count) => addFunctions(parts, count, index => `function${index}`, 1)],
  ['static functions of one name', (parts, count) => addFunctions(parts, count, () => 'same', 0)],
  ['global functions of one name', (parts, count) => addFunctions(parts, count, () => 'same', 1)],
  ['functions with tags', tagFunctions],
  [
    'a long chain of calls',
    (parts, count) => addCalls(parts, count, index => Math.min(index + 1, count - 1)),
  ],
  ['calls of one function', (parts, count) => addCalls(parts, count, () => count - 1)],
  [
    'a long program',
    (parts, count) =>
      extend(parts, () =>
        times(count, index => parts.insns.tc.push(index % 4 === 0 ? jump(0) : move(index))),
      ),
  ],
  ['variables', (parts, count) => void addVariables(parts, count)],
  [
    'references to variables',
    (parts, count) => {
      addVariables(parts, count);
      refer(parts, count, index => `variable${index}`);
    },
  ],
  ['references to one variable', (parts, count) => refer(parts, count, () => 'counter')],
  [
    'symbols at one place',
    (parts, count) => times(count, index => parts.symbols.push(symbol(`alias${index}`, '.data', 0, 4))),
  ],
  [
    'symbols of size 0',
    (parts, count) =>
      times(count, index => parts.symbols.push(symbol(`mark${index}`, '.data', 4 * (index % 4), 0))),
  ],
  [
    'open names',
    (parts, count) =>
      times(count, index => parts.symbols.push(symbol(`extern${index}`, 0, 0, 0, { type: 0, binding: 2 }))),
  ],
  [
    'undefined names',
    (parts, count) => {
      times(count, index => parts.symbols.push(symbol(`missing${index}`, 0, 0, 0, { type: 0 })));
      refer(parts, count, index => `missing${index}`);
    },
  ],
  [
    'externs of one name',
    (parts, count) =>
      addExterns(parts, count, null, () => ({
        kind: 'func',
        name: 'same',
        type: TYPE.proto,
        linkage: 'extern',
      })),
  ],
  [
    'configuration values',
    (parts, count) =>
      addExterns(parts, count, '.kconfig', index => ({
        kind: 'var',
        name: `CONFIG_${index}`,
        type: TYPE.int,
        linkage: 'extern',
      })),
  ],
  [
    'kernel symbols',
    (parts, count) =>
      addExterns(parts, count, '.ksyms', index => ({
        kind: 'var',
        name: `ksym${index}`,
        type: TYPE.int,
        linkage: 'extern',
      })),
  ],
  ['maps', addMaps],
  ['strings', addStrings],
  ['empty strings', (parts, count) => mergeable(parts, new Uint8Array(100 * count))],
  ['data sections', (parts, count) => addSections(parts, count, false)],
  ['programs in sections of their own', (parts, count) => addSections(parts, count, true)],
  [
    'structs that differ in what they point at',
    (parts, count) =>
      times(count, () => {
        const members = [{ name: 'next', type: parts.types.length + 1, bitOffset: 0, bitSize: 0 }];
        parts.types.push(
          { kind: 'ptr', type: parts.types.length + 2 },
          { kind: 'struct', name: 'link', size: 8, members },
        );
      }),
  ],
  ['structs of one name', (parts, count) => times(count, index => addStruct(parts, 'same', `m${index}`))],
  [
    'forward declarations of one name',
    (parts, count) =>
      times(count, index => parts.types.push({ kind: 'fwd', name: 'same', union: index % 2 === 1 })),
  ],
  ['names that are ends of one name', addEnds],
  [
    'enumerators of one name',
    (parts, count) =>
      times(count, index =>
        parts.types.push({
          kind: 'enum',
          name: `e${index}`,
          size: 4,
          signed: false,
          values: [{ name: 'same', value: BigInt(index) }],
        }),
      ),
  ],
  ['a long chain of typedefs', (parts, count) => void addTypedefs(parts, count)],
  [
    'functions of one name with types of their own',
    (parts, count) =>
      addTyped(
        parts,
        count,
        () => 'same',
        index => addPointer(parts, parts.types.push({ kind: 'fwd', name: `s${index}`, union: false })),
      ),
  ],
  [
    'functions with one large type',
    (parts, count) => {
      const large = addPointer(
        parts,
        addLarge(parts, count, () => TYPE.int),
      );
      addTyped(
        parts,
        count,
        index => `typed${index}`,
        () => large,
      );
    },
  ],
  [
    'members that begin in a chain of typedefs',
    (parts, count) => {
      const last = addTypedefs(parts, count);
      const large = addPointer(
        parts,
        addLarge(parts, count, index => last - index),
      );
      addTyped(
        parts,
        2,
        () => 'same',
        () => large,
      );
    },
  ],
  [
    'CO-RE records',
    (parts, count) => {
      addStruct(parts, 'relocated', 'member');
      const type = parts.types.length;
      extend(parts, at =>
        times(count, index => {
          parts.insns.tc.push(move(index));
          parts.ext.core.push({ section: 'tc', byteOffset: at + 8 * index, type, access: '0:0', kind: 0 });
        }),
      );
    },
  ],
]);
