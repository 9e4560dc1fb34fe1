import { expect, test } from 'vitest';
import { NAME_RULES, Names, type NameUse, OLDEST_NAME_RULES, takenName } from './names.ts';

const CASES: readonly (readonly [name: string, use: NameUse, now: string, oldest: string])[] = [
  ['counter', 'identifier', 'counter', 'counter'],
  ['_', 'identifier', '_', '_'],
  ['Option<u32>', 'identifier', 'Option_3C_u32_3E_', 'Option_3C_u32_3E_'],
  ['core::fmt', 'identifier', 'core_3A__3A_fmt', 'core_3A__3A_fmt'],
  ['0', 'identifier', '_30_', '_30_'],
  ['__0', 'identifier', '__0', '__0'],
  ['9lives', 'identifier', '_39_lives', '_39_lives'],
  ['é', 'identifier', '_C3__A9_', '_C3__A9_'],
  ['a\u0001b', 'identifier', 'a_01_b', 'a_01_b'],
  ['f.llvm.1', 'identifier', 'f.llvm.1', 'f_2E_llvm_2E_1'],
  ['.rodata.str1.1', 'section', '.rodata.str1.1', '.rodata.str1.1'],
  ['.data/<x> é', 'section', '.data/<x> é', '.data_2F__3C_x_3E__20__C3__A9_'],
  ['.data.\u0100', 'section', '.data._C4__80_', '.data._C4__80_'],
];

test.each(CASES)('%j as %s', (name, use, now, oldest) => {
  expect(takenName(name, use, NAME_RULES)).toBe(now);
  expect(takenName(name, use, OLDEST_NAME_RULES)).toBe(oldest);
});

test('names that are too long keep their start and stay distinct', () => {
  const [a, b] = ['x', 'y'].map(last => takenName(`${'a'.repeat(600)}${last}`, 'identifier', NAME_RULES));
  expect(a).toMatch(/^a{503}_[0-9a-f]{8}$/);
  expect(b).toHaveLength(512);
  expect(a).not.toBe(b);
  expect(takenName('a'.repeat(512), 'identifier', NAME_RULES)).toBe('a'.repeat(512));
});

test('two names never become one, and one name is always rewritten in the same way', () => {
  const all = ['a<', 'a_3C_', 'a_3C__', 'b'];
  const names = new Names(NAME_RULES, all);
  const found = all.map(name => names.of(name, 'identifier'));
  expect(found).toEqual(['a_3C___', 'a_3C_', 'a_3C__', 'b']);
  expect(names.of('a<', 'identifier')).toBe('a_3C___');
});
