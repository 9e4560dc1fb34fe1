/** Which registers are live together. */

import { expect, test } from 'vitest';
import { FIRST_VIRTUAL } from '../ir/ins.ts';
import { graphOf } from '../testing.ts';
import { interferenceOf } from './interference.ts';

/** Whether a register of the machine and v0 interfere. */
function meets(text: string, register: number): boolean {
  return interferenceOf(graphOf(text)).interferes(register, FIRST_VIRTUAL);
}

test.each([
  ['exit reads r0', 'r0 = 1\nv0 = 2\n*(u64 *)(r10 - 8) = v0\nexit', 0],
  [
    'exit of a later block reads r0',
    'r0 = 1\nv0 = 2\n*(u64 *)(r10 - 8) = v0\nif r1 == 0 goto a\na:\nexit',
    0,
  ],
  [
    'compare and exchange reads r0',
    'r0 = 1\nv0 = 2\n*(u64 *)(r10 - 8) = v0\nr0 = cmpxchg_64(r1 + 0, r0, r2)\nexit',
    0,
  ],
  ['a call reads its arguments', 'r2 = 1\nv0 = 2\n*(u64 *)(r10 - 8) = v0\ncall bpf_ktime_get_ns/2\nexit', 2],
  ['a call leaves r5 undefined', 'v0 = 2\ncall bpf_ktime_get_ns/0\nr0 = v0\nexit', 5],
  ['a call writes r0', 'v0 = 2\ncall bpf_ktime_get_ns/0\nr0 = v0\nexit', 0],
  ['a branch reads both operands', 'v0 = 2\nr3 = 1\nr0 = 0\nif r3 == v0 goto a\na:\nexit', 3],
  ['a result without use is written', 'r0 = 1\nv0 = *(u64 *)(r1 + 0)\nexit', 0],
])('%s', (_, text, register) => {
  expect(meets(text, register)).toBe(true);
});

test.each([
  [
    'a call does not read more than its arguments',
    'r2 = 1\nv0 = 2\n*(u64 *)(r10 - 8) = v0\ncall bpf_ktime_get_ns/1\nexit',
    2,
  ],
  ['the source of a copy', 'r2 = 1\nv0 = r2\nr0 = v0\nexit', 2],
  ['an operand that is read for the last time', 'v0 = *(u64 *)(r1 + 0)\nr0 = v0\nexit', 1],
])('not: %s', (_, text, register) => {
  expect(meets(text, register)).toBe(false);
});
