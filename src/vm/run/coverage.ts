/**
 * Coverage of the C source: counts of instructions as counts of lines and functions, and as text in the format of lcov.
 *
 * A line is where `.BTF.ext` says that instructions come from, so code that the compiler moved, inlined or removed counts
 * as the compiler describes it. Instructions of one line may run a different number of times (`for (a; b; c)`): in a
 * function the largest counts. Functions that a line is inlined into are added up.
 */

import type { LineRecord } from '../../btf/index.ts';
import { elementAt } from '../../bytes/index.ts';
import { printableName } from '../../diag/index.ts';
import type { BpfObject, FunctionSymbol, SymbolIndex } from '../../object/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import { COUNTER_SIZE, type UnitCounters } from '../compile/emit/index.ts';
import type { MachineMemory } from '../state/index.ts';

/** Which lines and functions ran, and how often. */
export interface Coverage {
  /** In order of their names, as the compiler was given them but for `./` before them. */
  readonly files: readonly {
    readonly name: string;
    /** Line → runs, in ascending order; lines without code are left out. */
    readonly lines: ReadonlyMap<number, number>;
    /** Functions with code of their own, in order of lines: where their code begins, and how often it was entered. */
    readonly functions: readonly { readonly name: string; readonly line: number; readonly count: number }[];
  }[];
  /** As a tracefile of lcov, which genhtml and coverage services read. `test` names what was run. */
  lcov(test?: string): string;
}

interface FileCounts {
  readonly lines: Map<number, number>;
  readonly functions: Map<string, { readonly name: string; readonly line: number; count: number }>;
}

/** Reads the counters when it is called. Functions that no program of the machine reaches have not run. */
export function coverageOf(
  object: BpfObject,
  counters: ReadonlyMap<SymbolIndex, UnitCounters>,
  memory: MachineMemory,
): () => Coverage {
  return () => {
    const files = new Map<string, FileCounts>();
    object.symbols.forEach((symbol, index) => {
      if (symbol.kind !== 'function' || symbol.lines.length === 0 || symbol.aliasOf !== undefined) return;
      addFunction(files, symbol, countsOf(counters.get(index), memory));
    });
    return finished(files);
  };
}

/** How often a function was entered, and each of its slots ran. */
interface Counts {
  readonly entries: number;
  at(slot: number): number;
}

const NEVER: Counts = { entries: 0, at: () => 0 };

function countsOf(counters: UnitCounters | undefined, memory: MachineMemory): Counts {
  if (counters === undefined) return NEVER;
  const { address, countedBy } = counters;
  const read = (index: number) => Number(memory.view.getBigUint64(address + COUNTER_SIZE * index, true));
  return {
    entries: read(0),
    at(slot) {
      const by = elementAt(countedBy, slot);
      return by === 0 ? 0 : read(by);
    },
  };
}

function addFunction(files: Map<string, FileCounts>, fn: FunctionSymbol, counts: Counts): void {
  const own = new Map<string, FileCounts>();
  const records = [...fn.lines].reverse();
  let end = fn.code.length / INSN_SIZE;
  for (const { file, line, insnIndex } of records) {
    const count = largest(counts, insnIndex, end);
    change(fileOf(own, file).lines, line, known => Math.max(known, count));
    end = insnIndex;
  }
  for (const [name, { lines }] of own)
    for (const [line, count] of lines) change(fileOf(files, name).lines, line, known => known + count);
  const first = records.at(-1);
  if (first !== undefined) nameFunction(fileOf(files, first.file), fn.name, first, counts.entries);
}

/** Lines that are not there have not run. */
function change(lines: Map<number, number>, line: number, next: (known: number) => number): void {
  const known = lines.get(line);
  lines.set(line, next(known === undefined ? 0 : known));
}

function largest(counts: Counts, from: number, end: number): number {
  let most = 0;
  for (let slot = from; slot < end; slot++) most = Math.max(most, counts.at(slot));
  return most;
}

/** Static functions of several inputs may have one name. */
function nameFunction(
  file: FileCounts,
  name: string,
  { line }: Pick<LineRecord, 'line'>,
  count: number,
): void {
  const known = file.functions.get(name);
  if (known === undefined) file.functions.set(name, { name, line, count });
  else known.count += count;
}

function fileOf(files: Map<string, FileCounts>, name: string): FileCounts {
  const plain = name.replace(/^(\.\/)+/, ''); // as compilers write it for what is included from there
  const file = files.get(plain) ?? { lines: new Map(), functions: new Map() };
  files.set(plain, file);
  return file;
}

/** Coverage of several machines, added up. */
export function sumOfCoverage(parts: Iterable<Pick<Coverage, 'files'>>): Coverage {
  const sum = new Map<string, FileCounts>();
  for (const { files } of parts) {
    for (const { name, lines, functions } of files) {
      const file = fileOf(sum, name);
      for (const [line, count] of lines) change(file.lines, line, known => known + count);
      for (const fn of functions) nameFunction(file, fn.name, fn, fn.count);
    }
  }
  return finished(sum);
}

function finished(counts: ReadonlyMap<string, FileCounts>): Coverage {
  const names = [...counts.keys()].sort();
  const files = names.flatMap(name => {
    const file = counts.get(name);
    if (file === undefined) return [];
    const lines = new Map([...file.lines].filter(([line]) => line > 0).sort(([a], [b]) => a - b));
    const functions = [...file.functions.values()].sort(
      (a, b) => a.line - b.line || (a.name < b.name ? -1 : 1),
    );
    return [{ name, lines, functions }];
  });
  return { files, lcov: (test = '') => files.map(file => recordOf(test, file)).join('') };
}

/** One record of a tracefile; its grammar is in geninfo(1), "TRACEFILE FORMAT". */
function recordOf(test: string, { name, lines, functions }: Coverage['files'][number]): string {
  const called = functions.filter(({ count }) => count > 0).length;
  const run = [...lines.values()].filter(count => count > 0).length;
  return [
    `TN:${test.replace(/[^A-Za-z0-9_]/g, '_')}`,
    `SF:${printableName(name)}`,
    ...functions.map(fn => `FN:${fn.line},${printableName(fn.name)}`),
    ...functions.map(fn => `FNDA:${fn.count},${printableName(fn.name)}`),
    `FNF:${functions.length}`,
    `FNH:${called}`,
    ...[...lines].map(([line, count]) => `DA:${line},${count}`),
    `LF:${lines.size}`,
    `LH:${run}`,
    'end_of_record\n',
  ].join('\n');
}
