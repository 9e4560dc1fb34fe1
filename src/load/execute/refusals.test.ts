/** One refusal for each code of loaded objects, on a stand-in for the kernel. */

import { expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../uapi/map-types.ts';
import { loadObject } from '../load.ts';
import { setProgramEntries } from './maps.ts';

const PROGRAM: SymbolSpec = { name: 'p', kind: 'function', section: 'xdp' };
const coded = (code: string) => expect.objectContaining({ code });

test('load-global-constant: a constant keeps the value that it was loaded with', () => {
  const variable = (name: string, section: string): SymbolSpec => ({ name, kind: 'variable', section });
  const object = objectOf('a.o', [PROGRAM, variable('v', '.data'), variable('c', '.rodata')]);
  using loaded = loadObject(object, new FakeSys(), { pinRoot: null });
  const set = (name: string) => () => {
    loaded.globals[name] = 3;
  };
  expect(set('v')).not.toThrow();
  expect(set('c')).toThrow(coded('load-global-constant'));
});

test('load-map-entry: a program array that names a program which is not loaded', () => {
  const sys = new FakeSys();
  const array: SymbolSpec = { name: 'm', kind: 'map', mapType: BPF_MAP_TYPE_PROG_ARRAY };
  using loaded = loadObject(objectOf('a.o', [PROGRAM, array]), sys, { pinRoot: null });
  const [plan] = loaded.plan.maps;
  if (plan === undefined) throw new Error('no map');
  const held = { ...plan, initial: [{ index: 1, target: { kind: 'program', program: 'p' } as const }] };
  const fill = (known: boolean) => () =>
    setProgramEntries(loaded.map('m'), held, () => (known ? loaded.program('p').fd.number : undefined));
  expect(fill(true)).not.toThrow();
  expect(fill(false)).toThrow(coded('load-map-entry'));
});
