/** Corruptions of the sample, and the expected problems. */

import { expect } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { readObject } from '../../src/object/read/read.ts';
import { build, type Sample, sample } from './object-sample.ts';

/** What an error says, without the hint. */
export function refusal(
  body: () => unknown,
): { readonly code: string; readonly message: string } | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return { code: error.code, message: error.message.replace(/\n {2}hint: .*/s, '') };
  }
}

export function spoilt(change: (parts: Sample) => void): Sample {
  const parts = sample();
  change(parts);
  return parts;
}

/** Changes the symbol of that name. */
export function alter(parts: Sample, name: string, changes: Partial<Sample['symbols'][number]>): void {
  const at = parts.symbols.findIndex(one => one.name === name);
  const old = parts.symbols[at];
  if (old === undefined) throw new Error(`no symbol ${name}`);
  parts.symbols[at] = { ...old, ...changes };
}

export function relocate(
  parts: Sample,
  section: string,
  ...list: { offset: number; type: number; symbol: string }[]
): void {
  parts.relocations.set(section, list);
}

/** What is wrong, how it is made so, and what must be reported. */
export type Case = readonly [what: string, change: (parts: Sample) => void, code: string, message: string];

/** Place of an instruction of `prog`. */
export const TC = 'x.o: section "tc": function "prog": insn';

/** Reads the spoilt object in both byte orders and expects this refusal. */
export function expectRefusal(change: (parts: Sample) => void, code: string, message: string): void {
  for (const order of ['little', 'big'] as const) {
    const bytes = build(spoilt(change), order);
    expect(
      refusal(() => readObject({ name: 'x.o', bytes })),
      order,
    ).toEqual({ code, message });
  }
}
