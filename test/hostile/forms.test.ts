/**
 * Both forms of the core on the same inputs, broken and not: random objects with random options are linked as
 * JavaScript and as WebAssembly in one process. Results must have the same bytes, refusals the same problems.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { RootletError } from '../../src/diag/problem.ts';
import { useCompiled } from '../../src/image/form.ts';
import { compiledForTests } from '../../src/image/testing.ts';
import { link } from '../../src/link/link.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { Corruptor } from './object-corruptor.ts';
import { SeededRandom } from './random.ts';

const ROUNDS = Number(process.env['ROOTLET_HOSTILE_ROUNDS'] ?? 300);

let restore: (() => void) | undefined;
afterEach(() => restore?.());

/** What comes of it in one form: bytes, or problems. */
function inForm(form: 'js' | 'wasm', run: () => unknown): unknown {
  const { wasm, script } = compiledForTests();
  restore =
    form === 'js' ? useCompiled({ wasm: null, script }, 'js') : useCompiled({ wasm, script: null }, 'wasm');
  try {
    return run();
  } catch (error) {
    if (error instanceof RootletError && !error.code.startsWith('bug-'))
      return { code: error.code, message: error.message };
    throw new Error(`${form}: ${String(error)}`, { cause: error });
  } finally {
    restore();
    restore = undefined;
  }
}

function objectsOf(order: string): Corruptor[] {
  const directory = fileURLToPath(new URL(`../../examples/obj/${order}/`, import.meta.url));
  const names = readdirSync(directory).filter(name => name.endsWith('.o'));
  return names.sort().map(name => new Corruptor(name, readFileSync(`${directory}${name}`)));
}

interface Case {
  readonly label: string;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly options: {
    readonly partial: boolean;
    readonly gcSections: boolean;
    readonly foldIdentical: boolean;
  };
  /** The first file is given as an object that was read before. */
  readonly read: boolean;
}

function randomCase(random: SeededRandom, objects: readonly Corruptor[]): Case {
  const chosen = Array.from({ length: 1 + random.below(4) }, () => random.pick(objects));
  const members = [...new Set(chosen)];
  const victim = random.below(2 * members.length);
  const broken = members[victim]?.corrupt(random);
  return {
    label: broken?.label ?? members.map(({ name }) => name).join(', '),
    files: members.map(({ name, original }, at) => ({
      name,
      bytes: at === victim && broken !== undefined ? broken.bytes : original,
    })),
    options: {
      partial: random.below(3) === 0,
      gcSections: random.below(3) === 0,
      foldIdentical: random.below(3) === 0,
    },
    read: random.below(3) === 0,
  };
}

function outcome({ files, options, read }: Case): unknown {
  const [first, ...others] = files;
  const inputs = read && first !== undefined ? [readObject(first), ...others] : files;
  const result = link(inputs, options);
  if (!result.ok) return result.problems;
  return [Buffer.from(writeObject(result.object)).toString('hex'), result.report];
}

test.each(['el', 'eb'])(
  '%s: random links have the same result in both forms, seed 31',
  order => {
    const random = new SeededRandom(31);
    const objects = objectsOf(order);
    let linked = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const given = randomCase(random, objects);
      const before = given.files.map(({ bytes }) => Buffer.from(bytes));
      const script = inForm('js', () => outcome(given));
      expect(
        inForm('wasm', () => outcome(given)),
        `round ${round}: ${given.label}`,
      ).toEqual(script);
      for (const [at, { bytes }] of given.files.entries())
        expect(Buffer.compare(bytes, before[at] ?? Buffer.alloc(0)), `round ${round}: input ${at}`).toBe(0);
      if (Array.isArray(script) && typeof script[0] === 'string') linked++;
    }
    expect(linked).toBeGreaterThan(ROUNDS / 20);
    expect(linked).toBeLessThan(ROUNDS);
  },
  120_000,
);
