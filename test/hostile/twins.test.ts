/**
 * Two symbols of one name, one of them in `license`, whose names have no part in linking: each has a type of its own, so
 * that writing what is read again changes nothing, whatever types the file has for them.
 */

import { expect, test } from 'vitest';
import type { BtfType } from '../../src/btf/model/types.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { link } from '../../src/link/link.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { build, type Sample, sample, symbol, TYPE } from './object-sample.ts';
import { alter } from './object-spoil.ts';
import { SeededRandom } from './random.ts';

/** Few, of which some show each part of the rule. */
const [FIRST, LAST] = [111, 150];
const VARIABLES = [TYPE.counter, TYPE.table, TYPE.license] as const;

function change(
  parts: Sample,
  id: number,
  more: { readonly name?: string; readonly linkage?: Linkage },
): void {
  const type = parts.types[id - 1];
  if (type?.kind === 'var') parts.types[id - 1] = { ...type, ...more };
}
type Linkage = Extract<BtfType, { kind: 'var' }>['linkage'];

/** The license has the name of a variable or of an extern. */
function twins(random: SeededRandom): Sample {
  const parts = sample();
  const name = random.pick(['counter', 'table', 'twin', 'twin']);
  alter(parts, '_license', { name });
  if (random.below(2) === 0) change(parts, TYPE.license, { name });
  if (name === 'twin') addExtern(parts, random);
  if (random.below(3) === 0)
    change(parts, random.pick(VARIABLES), { linkage: random.pick(['global', 'extern', 'static'] as const) });
  if (random.below(3) === 0) spoilLists(parts, random);
  if (random.below(3) === 0) parts.relocations.delete('tc');
  return parts;
}

/** An extern with none to two types, and sometimes a list of externs. */
function addExtern(parts: Sample, random: SeededRandom): void {
  const extern = symbol('twin', 0, 0, 0, { type: 0 });
  if (random.below(2) === 0) parts.symbols.unshift(extern);
  else parts.symbols.push(extern);
  for (let left = random.below(3); left > 0; left--) {
    const linkage = random.pick(['extern', 'global'] as const);
    parts.types.push(
      random.below(4) === 0
        ? { kind: 'func', name: 'twin', type: TYPE.proto, linkage: 'extern' }
        : { kind: 'var', name: 'twin', type: random.pick([1, 7, 14]), linkage },
    );
    if (left > 1 || random.below(2) === 0) continue;
    const type = parts.types.at(-1);
    const vars = [{ type: parts.types.length, offset: 0, size: 4 }];
    parts.types.push({
      kind: 'datasec',
      name: type?.kind === 'func' ? '.ksyms' : random.pick(['.ksyms', '.data', 'license']),
      size: 0,
      vars,
    });
  }
}

/** Lists of variables under another name, or without some of their variables. */
function spoilLists(parts: Sample, random: SeededRandom): void {
  parts.types.forEach((type, at) => {
    if (type.kind !== 'datasec' || random.below(3) > 0) return;
    const vars = type.vars.filter(() => random.below(2) === 0);
    parts.types[at] = random.below(2) === 0 ? { ...type, name: 'elsewhere' } : { ...type, vars };
  });
}

function read(bytes: Uint8Array): BpfObject | undefined {
  try {
    return readObject({ name: 'x.o', bytes });
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

test(`seeds ${FIRST} to ${LAST}`, () => {
  let accepted = 0;
  for (let seed = FIRST; seed <= LAST; seed++) {
    const object = read(build(twins(new SeededRandom(seed))));
    if (object === undefined) continue;
    accepted++;
    const linked = link([object], { partial: true });
    for (const one of [object, ...(linked.ok ? [linked.object] : [])]) {
      const bytes = writeObject(one);
      const again = read(bytes);
      const isSame = again !== undefined && Buffer.compare(writeObject(again), bytes) === 0;
      expect([seed, isSame]).toEqual([seed, true]);
    }
  }
  expect(accepted).toBeGreaterThan((LAST - FIRST) / 2);
});
