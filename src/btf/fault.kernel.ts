/** Faults with more than two operands. */

import { FAULT } from '../image/layout.ts';
import { setWord, word } from '../image/memory.ts';
import { fault } from '../image/tables.kernel.ts';

/** Adds a fault with three operands; returns 0. */
export function fault3(code: number, unit: number, a: number, b: number, c: number): number {
  return fault4(code, unit, a, b, c, 0);
}

/** Adds a fault with four operands; returns 0. */
export function fault4(code: number, unit: number, a: number, b: number, c: number, d: number): number {
  fault(code, unit, a, b);
  const row = word(FAULT.count) - 1;
  setWord(word(FAULT.c) + row, c);
  setWord(word(FAULT.d) + row, d);
  return 0;
}
