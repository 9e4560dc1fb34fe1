/**
 * Each program alone, through the newest libbpf and rootlet's loader: both take it or both refuse it, and where
 * both take it it is the same program. Objects in which one program is refused are compared as well by this.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { loadObject } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { FILES, ROOT } from './support-files.ts';
import { type LibbpfAlone, noOracle, Oracle } from './support-oracle.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = noOracle('1.5') ?? reason;

/** Programs that only one loads: a phrase of what libbpf prints, or a code of rootlet, and the reason. */
const ONLY_WE: readonly (readonly [phrase: string, reason: string])[] = [
  ['failed to initialize slot', 'what a program array holds is loaded with it here'],
  [
    "extern 'CONFIG_NAME' (strong): not resolved",
    'only externs of programs that are loaded need a value here',
  ],
  ['Cannot find member unheard_of', 'an operation that the kernel lacks is left out here, with a note'],
  [
    "map 'records': failed to create",
    'a ring buffer may have the type of its records here; its value size is 0',
  ],
];
const ONLY_LIBBPF: readonly (readonly [code: string, reason: string])[] = [];
const OTHER_TAG: readonly (readonly [program: string, reason: string])[] = [
  ['functions', 'the number in a poisoned call: the next line'],
  ['asks_before_calling', 'the number in a poisoned call is an index of externs, which are sorted otherwise'],
];

interface Loaded {
  readonly tag: string;
  readonly maps: number;
}

function loadAlone(bytes: Uint8Array, name: string, program: string): Loaded | RootletError {
  try {
    using object = loadObject(readObject({ name, bytes }), kernel, {
      pinRoot: null,
      programs: candidate => candidate === program,
    });
    const { tag, mapIds } = object.program(program).info();
    return { tag, maps: mapIds.length };
  } catch (error) {
    if (error instanceof RootletError) return error;
    throw error;
  }
}

describe.skipIf(skipped !== undefined)(
  `programs alone, like libbpf 1.5${skipped === undefined ? '' : ` (${skipped})`}`,
  () => {
    const oracle = skipped === undefined ? new Oracle('1.5') : undefined;
    afterAll(() => oracle?.close());
    const used = new Set<string>();
    const explains = (list: typeof ONLY_WE, text: string): boolean => {
      const found = list.find(([phrase]) => text.includes(phrase));
      if (found !== undefined) used.add(found[0]);
      return found !== undefined;
    };
    let compared = 0;

    function compare(bytes: Uint8Array, file: string, theirs: LibbpfAlone): string[] {
      const { name } = theirs.program;
      const ours = loadAlone(bytes, file, name);
      if (ours instanceof RootletError) {
        if (theirs.error !== 0) return [];
        const codes = ours.problems.map(({ code }) => code).join();
        return explains(ONLY_LIBBPF, codes) ? [] : [`${name}: only libbpf loads it: ${ours.message}`];
      }
      if (theirs.error !== 0) {
        return explains(ONLY_WE, theirs.log) ? [] : [`${name}: only we load it: ${theirs.log}`];
      }
      compared++;
      const sameTag = ours.tag === theirs.program.tag || explains(OTHER_TAG, name);
      const same = sameTag && ours.maps === theirs.program.maps?.length;
      return same
        ? []
        : [`${name}: ${ours.tag}, ${ours.maps} maps; libbpf: ${JSON.stringify(theirs.program)}`];
    }

    test.each(FILES)('%s', file => {
      const full = path.resolve(ROOT, file);
      const bytes = readFileSync(full);
      const programs = oracle?.loadEach(full) ?? [];
      expect(programs.flatMap(theirs => compare(bytes, file, theirs))).toEqual([]);
    });

    test('every reason is needed, and most programs are compared', () => {
      const all = [...ONLY_WE, ...ONLY_LIBBPF, ...OTHER_TAG].map(([phrase]) => phrase);
      expect(all.filter(phrase => !used.has(phrase))).toEqual([]);
      expect(compared).toBeGreaterThan(FILES.length);
    });
  },
);
