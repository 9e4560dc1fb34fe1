import { expect, test } from 'vitest';
import * as uapi from '../../uapi/index.ts';
import { MAP_TYPE_NEEDS, PROGRAM_TYPE_NEEDS } from './type-releases.ts';

test.each([
  ['program', uapi.PROG_TYPE_COUNT, uapi.progTypeName, PROGRAM_TYPE_NEEDS],
  ['map', uapi.MAP_TYPE_COUNT, uapi.mapTypeName, MAP_TYPE_NEEDS],
] as const)('every %s type has the release that it needs', (_, count, nameOf, needs) => {
  const known = Array.from({ length: count - 1 }, (_, at) => nameOf(at + 1));
  expect(known.filter(name => !needs.has(name))).toEqual([]);
  expect([...needs.keys()].filter(name => !known.includes(name))).toEqual([]);
});
