/** What long runs of the fuzzer found, in small. */

import { expect, test } from 'vitest';
import { link } from '../../src/link/link.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { checkWritten } from '../support/written-object.ts';
import { build, FUNC, loadAddress, R_ADDRESS, type Sample, sample, symbol, TYPE } from './object-sample.ts';
import { alter, refusal, spoilt } from './object-spoil.ts';

function file(name: string, change: (parts: Sample) => void = () => {}) {
  const parts = sample();
  change(parts);
  return { name, bytes: build(parts, 'little') };
}

test('after a file with a symbol that is too small, others are read as if it was not there', () => {
  const faulty = file('faulty.o', parts => alter(parts, 'counter', { size: 0 }));
  const result = link([faulty, file('b.o'), file('c.o')]);
  const problems = result.ok ? [] : result.problems;
  expect(problems.map(({ code, where }) => [code, where[0]])).toEqual([['object-symbol-size', 'faulty.o']]);
});

test('a pointer to a function that is collected is one to its prototype', () => {
  const input = file('a.o', parts => {
    parts.types.push({ kind: 'func', name: 'second', type: TYPE.proto, linkage: 'static' });
    parts.types.push({ kind: 'ptr', type: parts.types.length });
    const [pointer, counter] = [parts.types.length, parts.types[TYPE.counter - 1]];
    if (counter?.kind === 'var') parts.types[TYPE.counter - 1] = { ...counter, type: pointer };
    parts.ext.funcs.push({ section: '.text', byteOffset: 16, type: pointer - 1 });
    alter(parts, 'counter', { size: 8 });
    alter(parts, 'table', { value: 8, size: 8 });
    parts.types[5] = { kind: 'var', name: 'table', type: 8, linkage: 'global' };
    const section = parts.types.find(type => type.kind === 'datasec' && type.name === '.data');
    if (section?.kind !== 'datasec') throw new Error('no .data');
    parts.types[parts.types.indexOf(section)] = {
      ...section,
      vars: [
        { type: TYPE.counter, offset: 0, size: 8 },
        { type: TYPE.table, offset: 8, size: 8 },
      ],
    };
  });
  const result = link([input], { gcSections: true });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const object = checkWritten(writeObject(result.object));
  const { btf } = object;
  if (btf === null) throw new Error('no types');
  const counter = object.symbols.find(({ name }) => name === 'counter');
  const variable = btf.type(counter?.kind === 'variable' ? counter.btfId : 0);
  const pointer = variable.kind === 'var' ? btf.type(variable.type) : variable;
  expect(pointer.kind === 'ptr' ? btf.type(pointer.type).kind : pointer.kind).toBe('func_proto');
  expect(object.symbols.some(({ name }) => name === 'second')).toBe(false);
});

test('a symbol of code without a name counts for nothing', () => {
  const refers = (parts: Sample): void => {
    parts.insns.text.push(...parts.insns.text.slice(0, 2));
    parts.insns.tc.splice(1, 2, ...loadAddress(32));
    parts.relocations.get('tc')?.splice(1, 1, { offset: 8, type: R_ADDRESS, symbol: '@.text' });
  };
  const unnamed = (parts: Sample): void => {
    refers(parts);
    parts.symbols.unshift(symbol('', '.text', 32, 16, { type: FUNC, binding: 0 }));
  };
  const [without, having] = [refers, unnamed].map(change => {
    const bytes = build(spoilt(change), 'little');
    return refusal(() => readObject({ name: 'x.o', bytes }));
  });
  expect(without?.code).toBe('object-addend');
  expect(having).toEqual(without);
});
