/** Compatibility of types as libbpf has it: flavours, forwards, and what a match asks for besides. */

import { expect, test } from 'vitest';
import { BtfBuilder } from '../btf/model/builder.ts';
import type { BtfType } from '../btf/model/types.ts';
import { fieldsCompatible, typesCompatible, typesMatch } from './compat.ts';

const int = (signed: boolean, size = 4): BtfType => ({
  kind: 'int',
  name: 'int',
  size,
  bits: size * 8,
  bitOffset: 0,
  signed,
  char: false,
  bool: false,
});
const enumOf = (name: string): BtfType => ({
  kind: 'enum',
  name,
  size: 4,
  signed: false,
  values: [{ name: 'A', value: 1n }],
});
const fwd = (name: string, union = false): BtfType => ({ kind: 'fwd', name, union });
const struct = (name: string): BtfType => ({ kind: 'struct', name, size: 0, members: [] });

function btf(type: BtfType) {
  const builder = new BtfBuilder();
  builder.add(type);
  return builder.build();
}

/** Left, right; whether fields of the types are compatible, the types themselves, and whether they match. */
test.each<readonly [string, BtfType, BtfType, boolean, boolean, boolean]>([
  ['equal ints', int(true), int(true), true, true, true],
  ['signs that differ', int(true), int(false), true, true, false],
  ['sizes that differ', int(true), int(true, 8), true, true, false],
  ['enums of one name', enumOf('e'), enumOf('e'), true, true, true],
  ['a flavour of an enum', enumOf('e___mine'), enumOf('e'), true, true, true],
  ['flavours of both sides', enumOf('e___mine'), enumOf('e___old'), true, true, true],
  ['enums of two names', enumOf('e'), enumOf('f'), false, true, false],
  ['an enum without a name', enumOf(''), enumOf('f'), true, true, false],
  ['a flavour of a forward', fwd('s___mine'), fwd('s'), true, true, true],
  ['forwards of two names', fwd('s'), fwd('t'), false, true, false],
  ['a forward of a union and one of a struct', fwd('s', true), fwd('s'), true, true, false],
  ['an int and an enum', int(true), enumOf('e'), false, false, false],
  ['a struct and a flavour of it', struct('s'), struct('s___mine'), true, true, true],
])('%s', (_, left, right, fields, compatible, match) => {
  const [a, b] = [btf(left), btf(right)];
  expect(fieldsCompatible(a, 1, b, 1)).toBe(fields);
  expect(typesCompatible(a, 1, b, 1)).toBe(compatible);
  expect(typesMatch(a, 1, b, 1)).toBe(match);
});
