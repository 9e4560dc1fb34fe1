/**
 * Whole objects broken on purpose, read, linked, re-linked and written.
 *
 * They may only throw a `RootletError`, in less than a second. Accepted objects must be equivalent after
 * writing and reading them again, and writing it once more must not change a byte.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import type { LinkInput } from '../../src/link/inputs/inputs.ts';
import { link } from '../../src/link/link.ts';
import { relink } from '../../src/link/relink.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { compareDumps, type Difference, tell } from '../oracle/support-dump.ts';
import { dumpObject } from '../oracle/support-dump-object.ts';
import { Corruptor } from './object-corruptor.ts';
import { SeededRandom } from './random.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function load(file: string): Corruptor {
  return new Corruptor(path.relative(ROOT, file), readFileSync(file));
}

function folder(...parts: string[]): Corruptor[] {
  const place = path.join(ROOT, ...parts);
  return readdirSync(place)
    .filter(name => name.endsWith('.o'))
    .sort()
    .map(name => load(path.join(place, name)));
}

interface Group {
  readonly order: string;
  readonly name: string;
  readonly members: readonly Corruptor[];
}

/** Objects that belong together, for each case. */
const groups: Group[] = ['el', 'eb'].flatMap(order => {
  const cases = readdirSync(path.join(ROOT, 'test/cases'), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort();
  return [
    ...cases.map(name => ({ order, name, members: folder('test/cases', name, 'obj', order) })),
    { order, name: 'examples', members: folder('examples/obj', order) },
  ];
});

/** How long a step may take, in milliseconds; a loaded machine gets a second chance. */
const LIMIT = 1000;

/** Runs `body` and gives its result, or undefined when a `RootletError` came out. */
function attempt<T>(label: string, body: () => T): T | undefined {
  for (let chance = 0; ; chance++) {
    const start = performance.now();
    let result: T | undefined;
    try {
      result = body();
    } catch (error) {
      if (!(error instanceof RootletError) || error.code.startsWith('bug-'))
        throw new Error(`${label}: ${String(error)}`, { cause: error });
    }
    const took = performance.now() - start;
    if (took < LIMIT) return result;
    if (chance === 1) throw new Error(`${label}: took ${Math.round(took)} ms`);
  }
}

/** Writes what was accepted, and reads it again. */
function checkAccepted(label: string, object: BpfObject): Uint8Array | undefined {
  const bytes = attempt(`${label}: writing`, () => writeObject(object));
  if (bytes === undefined) return undefined;
  const again = readObject({ name: object.name, bytes });
  expect(Buffer.from(writeObject(again)).equals(bytes), `${label}: is not a fixed point`).toBe(true);
  const changed = compareDumps(dumpObject(object), dumpObject(again)).filter(isChange);
  expect(changed.map(tell), label).toEqual([]);
  return bytes;
}

/** Sections are laid out again, zeros that nothing refers to may go, and a declared struct may find its definition. */
function isChange({ subject, fact, left, right }: Difference): boolean {
  if (!subject.startsWith('symbol')) return false;
  if (subject.endsWith(':=') && fact === 'presence') return false;
  const declared = /\/FWD (\w+) (?:struct|union)$/.exec(left)?.[1];
  return declared === undefined || !right.includes(` ${declared} `, left.lastIndexOf('/FWD'));
}

const { ROOTLET_HOSTILE_ROUNDS, ROOTLET_HOSTILE_SEED } = process.env;
const ROUNDS = Number(ROOTLET_HOSTILE_ROUNDS ?? 25);
const SEED = Number(ROOTLET_HOSTILE_SEED ?? 42);

describe(`seed ${SEED}`, () => {
  test.each(groups)(
    '$order $name',
    ({ members }) => {
      const random = new SeededRandom(SEED);
      for (let round = 0; round < ROUNDS; round++) {
        const victim = random.below(members.length);
        const { bytes, label } = members[victim]?.corrupt(random) ?? { bytes: new Uint8Array(), label: '' };
        const object = attempt(`${label}: reading`, () => readObject({ name: 'broken.o', bytes }));
        if (object !== undefined) checkAccepted(label, object);
        const inputs = members.map(
          (member, index): LinkInput => ({
            name: member.name,
            bytes: index === victim ? bytes : member.original,
          }),
        );
        for (const partial of [false, true]) {
          const linked = attempt(`${label}: linking`, () => link(inputs, { partial }));
          if (linked?.ok === true) checkAccepted(`${label}: linked`, linked.object);
        }
      }
    },
    120_000,
  );

  test.each(['el', 'eb'])(
    '%s: re-linking',
    order => {
      const random = new SeededRandom(SEED);
      const [rootlet, first, second] = ['rootlet', 'first_firewall', 'second_firewall'].map(name =>
        load(path.join(ROOT, 'examples/obj', order, `${name}.bpf.o`)),
      );
      if (rootlet === undefined || first === undefined || second === undefined)
        throw new Error('no examples');
      for (let round = 0; round < 8 * ROUNDS; round++) {
        const victim = random.pick([rootlet, first, second]);
        const { bytes, label } = victim.corrupt(random);
        const input = (member: Corruptor): LinkInput => ({
          name: member.name,
          bytes: member === victim ? bytes : member.original,
        });
        const result = attempt(`${label}: re-linking`, () =>
          relink(input(rootlet), [
            { slot: 'dummy1', component: input(first) },
            { slot: 'dummy2', component: input(second) },
          ]),
        );
        if (result?.ok === true) checkAccepted(`${label}: re-linked`, result.object);
      }
    },
    120_000,
  );
});
