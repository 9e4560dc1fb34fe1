/**
 * Random odd types: what the kernel refuses in them is repaired, under the same ids, and never stops a load.
 *
 * ROOTLET_RUNS sets how many sets of types, ROOTLET_SEED the first seed.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeBtf } from '../../src/btf/binary/encode.ts';
import type { Btf } from '../../src/btf/model/types.ts';
import { tryLoadBtf } from '../../src/kernel/objects/btf-object.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { HOST_ORDER } from '../../src/kernel/uapi/uapi.ts';
import { loadObject } from '../../src/load/load.ts';
import { mendTypes } from '../../src/load/mend/mend.ts';
import { OLDEST_NAME_RULES } from '../../src/load/mend/names.ts';
import { packet } from '../../src/load/testing.ts';
import { readObject } from '../../src/object/read/read.ts';
import { SeededRandom } from '../hostile/random.ts';
import { withOddNames, withOddTypes } from './odd-types.ts';

const { ROOTLET_RUNS, ROOTLET_SEED } = process.env;
const COUNT = Number(ROOTLET_RUNS ?? 60);
const SEEDS = Array.from({ length: COUNT }, (_, index) => Number(ROOTLET_SEED ?? 1) + index);
const { sys, reason } = kernelForTests();
const PATH = join(import.meta.dirname, '../../src/load/testdata/obj/el/globals.bpf.o');
const OBJECT = readObject({ name: 'globals.bpf.o', bytes: readFileSync(PATH) });

function takes(kernel: Sys, types: Btf): boolean {
  const result = tryLoadBtf(kernel, encodeBtf(types, HOST_ORDER));
  if (result >= 0) kernel.syscall('close', result);
  return result >= 0;
}

function typesOf(seed: number): Btf {
  if (OBJECT.btf === null) throw new Error('no types');
  const random = new SeededRandom(seed);
  const named = seed % 2 === 0 ? withOddNames(OBJECT.btf, random) : OBJECT.btf;
  return withOddTypes(named, random, 60);
}

/** All verdicts of one packet, and what a variable is afterwards. */
function observe(kernel: Sys, btf: Btf) {
  using loaded = loadObject({ ...OBJECT, btf }, kernel, { pinRoot: null });
  const verdicts = ['run', 'sum'].map(program => loaded.testRun(program, packet()).verdict);
  return {
    notes: loaded.notes,
    seen: [...verdicts, loaded.variables.get('counter')],
    typed: loaded.btf !== null,
  };
}

describe.skipIf(sys === undefined)(`odd types${reason === undefined ? '' : ` (${reason})`}`, () => {
  if (sys === undefined || OBJECT.btf === null) return;
  const expected = observe(sys, OBJECT.btf).seen;
  let refused = 0;

  test.each(SEEDS)('seed %i is taken after repairs, and only then repaired', seed => {
    const types = typesOf(seed);
    const mended = mendTypes(types);
    if (!takes(sys, types)) refused++;
    expect(mended === null, mended?.notes.join('\n')).toBe(takes(sys, types));
    for (const one of [mended, mendTypes(types, OLDEST_NAME_RULES)]) {
      if (one === null) continue;
      expect(takes(sys, one.btf), one.notes.join('\n')).toBe(true);
      for (let id = 1; id <= types.count; id++) expect(one.btf.type(id).kind).toMatch(kindOf(types, id));
      expect(mendTypes(one.btf)).toBeNull();
    }
  });

  test.each(SEEDS)('seed %i does not stop the load', seed => {
    const { notes, seen, typed } = observe(sys, typesOf(seed));
    expect(seen).toEqual(expected);
    if (!typed) expect(notes.join()).toContain('loaded without BTF, which the kernel refuses: "');
  });

  test('most of them are refused as they are', () => {
    expect(refused).toBeGreaterThan(COUNT / 2);
  });
});

/** A union with members at an offset becomes a struct; all else keeps its kind. */
function kindOf(types: Btf, id: number): RegExp {
  const { kind } = types.type(id);
  return kind === 'union' ? /^(union|struct)$/ : new RegExp(`^${kind}$`);
}
