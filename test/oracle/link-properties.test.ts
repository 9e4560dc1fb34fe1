/**
 * What must hold for every link: linking a result again changes nothing, partial links in any grouping
 * end in the same object, and the order of files decides nothing but the order in the result. In both byte orders.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LinkInput } from '../../src/link/inputs/inputs.ts';
import { type LinkOptions, link } from '../../src/link/link.ts';
import { type BpfObject, licenseOf } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { SeededRandom } from '../hostile/random.ts';
import { CASES_DIRECTORY, ORDERS, readCases } from '../support/case-files.ts';
import { needs } from '../support/needs.ts';
import { checkWritten } from '../support/written-object.ts';
import { makeSources } from './support-blocks.ts';
import { type Compiler, compileAll, compilersHere } from './support-compile.ts';
import { compareDumps, type Difference, type ObjectDump, tell } from './support-dump.ts';
import { dumpObject } from './support-dump-object.ts';

type Files = readonly LinkInput[];

function load(file: string): LinkInput {
  return { name: path.basename(file), bytes: readFileSync(file) };
}

/** The linked object; undefined when the inputs do not link. Names that stay open make it a partial link. */
function linked(inputs: Files, options: LinkOptions = {}): BpfObject | undefined {
  const result = link(inputs, options);
  if (result.ok) return result.object;
  const open = result.problems.every(problem => problem.code === 'link-undefined');
  return open ? linked(inputs, { partial: true }) : undefined;
}

function partially(inputs: Files): LinkInput {
  const object = linked(inputs, { partial: true });
  if (object === undefined) throw new Error('does not link partially');
  return { name: 'partial.o', bytes: writeObject(object) };
}

/** Numbers of static functions depend on the grouping; here they count for nothing. */
function dump(object: BpfObject): ObjectDump {
  const locals = object.symbols.filter(symbol => symbol.kind === 'function' && symbol.binding === 'local');
  const renamed = new Map(locals.map(({ name }) => [name, name.replace(/(__\d+)+$/, '')]));
  return dumpObject(readObject({ name: 'dumped.o', bytes: writeObject(object) }), { renamed });
}

/**
 * A partial link that resolved a reference no longer shows it: weak definitions stay weak. And in
 * a file the alignment of a variable is what its place had, which may be more than it needs: then there is more padding.
 */
function isLoss({ subject, fact, left, right }: Difference): boolean {
  if (fact === 'binding') return left === 'global' && right === 'weak';
  if (fact === 'variables') return withoutOffsets(left) === withoutOffsets(right);
  return subject.startsWith('section .') && subject !== 'section .text' && fact === 'size';
}

function withoutOffsets(variables: string): string {
  const entries = variables.split('; ').map(entry => entry.replace(/ \d+ /, ' '));
  return entries.sort().join('; ');
}

function differences(left: BpfObject, right: BpfObject): string[] {
  return compareDumps(dump(left), dump(right))
    .filter(one => !isLoss(one))
    .map(tell);
}

function checkAgain(inputs: Files): void {
  const object = linked(inputs);
  if (object === undefined) return;
  const bytes = Buffer.from(writeObject(object));
  checkWritten(bytes);
  expect(bytes.equals(writeObject(linked(inputs) ?? object)), 'a second link of the same files').toBe(true);
  const read = inputs.map(input => ('bytes' in input ? readObject(input) : input));
  expect(bytes.equals(writeObject(linked(read) ?? object)), 'a link of objects that were read before').toBe(
    true,
  );
  const again = linked([{ name: 'again.o', bytes }]);
  expect(again && bytes.equals(writeObject(again)), 'a link of the result').toBe(true);
  const kept = partially([{ name: 'again.o', bytes }]);
  expect('bytes' in kept && bytes.equals(kept.bytes), 'a partial link of the result').toBe(true);
}

function checkGroupings(inputs: Files): void {
  const object = linked(inputs);
  if (object === undefined) return;
  for (let cut = 1; cut < inputs.length; cut++) {
    const [head, tail] = [inputs.slice(0, cut), inputs.slice(cut)];
    for (const grouped of [
      [partially(head), ...tail],
      [...head, partially(tail)],
      [partially([partially(head), ...tail])],
    ]) {
      const other = linked(grouped);
      expect(other && differences(object, other), `grouped behind ${cut}`).toEqual([]);
    }
  }
}

// --- order --------------------------------------------------------------------------------------------------------

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first, position) =>
    permutations(items.filter((_, index) => index !== position)).map(rest => [first, ...rest]),
  );
}

/** Which definition each name and each reference refers to, as file and offset. */
function resolutionOf(object: BpfObject): string[] {
  const places = object.symbols.map(symbol =>
    symbol.kind === 'extern' ? 'open' : `${symbol.origin.file}+${symbol.origin.offset}`,
  );
  const tellSymbol = (symbol: BpfObject['symbols'][number], index: number): string => {
    const head = `${symbol.name.replace(/(__\d+)+$/, '')} ${symbol.binding} ${symbol.visibility} ${places[index]}`;
    const references = symbol.kind === 'extern' ? [] : symbol.references;
    return `${head}: ${references.map(one => `${nameAt(object, one.symbol)} ${one.addend}`).join(', ')}`;
  };
  return object.symbols
    .map(tellSymbol)
    .filter(text => !text.startsWith(' '))
    .sort();
}

/** Strings are the same whichever file they come from. */
function nameAt(object: BpfObject, index: number): string {
  const symbol = object.symbols[index];
  if (symbol === undefined || symbol.kind === 'extern') return symbol?.name ?? '?';
  if (symbol.name === '' && symbol.kind === 'variable')
    return Buffer.from(symbol.bytes ?? []).toString('hex');
  return `${symbol.origin.file}+${symbol.origin.offset}`;
}

/** The first of several weak definitions counts where there are only such, and the first of equal licenses. */
function decidedByOrder(inputs: Files): boolean {
  const objects = inputs.map(input => ('bytes' in input ? readObject(input) : input));
  const definitions = objects.flatMap(object => object.symbols.filter(symbol => symbol.kind !== 'extern'));
  const weak = definitions.filter(symbol => symbol.binding === 'weak').map(symbol => symbol.name);
  const strong = new Set(
    definitions.filter(symbol => symbol.binding === 'global').map(symbol => symbol.name),
  );
  const licenses = objects.filter(object => licenseOf(object) !== null);
  return weak.some((name, index) => !strong.has(name) && weak.indexOf(name) !== index) || licenses.length > 1;
}

function checkOrders(inputs: Files): void {
  const object = linked(inputs);
  if (object === undefined || decidedByOrder(inputs)) return;
  for (const order of permutations(inputs)) {
    const other = linked(order);
    expect(other && resolutionOf(other), order.map(input => input.name).join(' ')).toEqual(
      resolutionOf(object),
    );
  }
}

function checkAll(inputs: Files): void {
  checkAgain(inputs);
  checkGroupings(inputs);
  checkOrders(inputs);
}

// --- inputs -------------------------------------------------------------------------------------------------------

const cases = readCases().flatMap(one =>
  ORDERS.flatMap(order =>
    one.blocks.flatMap(block =>
      block.recipes.flatMap(recipe => {
        if (recipe.kind !== 'link') return [];
        const files = recipe.inputs.flatMap(input => (typeof input === 'string' ? [input] : []));
        const paths = files.map(file => path.join(CASES_DIRECTORY, one.name, 'obj', order, `${file}.bpf.o`));
        return files.length === recipe.inputs.length
          ? [{ name: `${order} ${one.name}: ${recipe.text}`, paths }]
          : [];
      }),
    ),
  ),
);

test.each(cases)('$name', ({ paths }) => checkAll(paths.map(load)));

const { ROOTLET_ORACLE_PAIRS, ROOTLET_ORACLE_SEED } = process.env;
const FIRST_SEED = Number(ROOTLET_ORACLE_SEED ?? 7000);

needs('clang').describe('programs made at random', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-properties-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const compilers: readonly Compiler[] = compilersHere().flatMap(compiler => [
    compiler,
    { ...compiler, target: 'bpfeb' },
  ]);
  const count = Number(ROOTLET_ORACLE_PAIRS ?? compilers.length);
  const jobs = Array.from({ length: count }, (_, index) => {
    const compiler = compilers[index % compilers.length];
    if (compiler === undefined) throw new Error('no compiler');
    const set = makeSources(FIRST_SEED + index, new SeededRandom(FIRST_SEED + index));
    const name = `seed ${set.seed}, ${compiler.command} ${compiler.target} ${compiler.cpu}: ${set.pieces.join(' ')}`;
    return { set, compiler, name, index };
  });
  const objects: string[][] = [];
  beforeAll(
    async () => {
      objects.push(...(await compileAll(directory, jobs)));
    },
    60_000 + count * 1000,
  );

  test.each(jobs)('$name', ({ index }) => checkAll((objects[index] ?? []).map(load)));
});
