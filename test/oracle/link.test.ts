/**
 * The same objects through bpftool's linker and rootlet's: the results agree, except as
 * `support-differences.ts` lists with reasons. Both readers count: rootlet's for both results, and Debian's
 * tools for both results.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { CASES_DIRECTORY, readCases } from '../support/case-files.ts';
import { needs } from '../support/needs.ts';
import {
  type BothLinks,
  type DumpedLink,
  dumpBoth,
  type LinkJob,
  linkBoth,
  readFile,
} from './support-both.ts';
import { judge, judgeAcceptance } from './support-check.ts';
import { ALLOWED } from './support-differences.ts';
import { compareDumps } from './support-dump.ts';
import { dumpObject } from './support-dump-object.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-oracle-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Every link of a case that has no partial links among its inputs. */
function caseJobs(): LinkJob[] {
  return readCases().flatMap(one =>
    one.blocks.flatMap(block =>
      block.recipes.flatMap(recipe => {
        if (recipe.kind !== 'link') return [];
        const files = recipe.inputs.flatMap(input => (typeof input === 'string' ? [input] : []));
        if (files.length < recipe.inputs.length) return [];
        const inputs = files.map(file => path.join(CASES_DIRECTORY, one.name, 'obj/el', `${file}.bpf.o`));
        return [{ name: `${one.name}: ${recipe.text}`, inputs }];
      }),
    ),
  );
}

const XDP_TOOLS = '/usr/lib/x86_64-linux-gnu/bpf';

/** Every object of Debian's xdp-tools alone, and every pair of neighbours. */
function xdpToolsJobs(): LinkJob[] {
  if (!existsSync(XDP_TOOLS)) return [];
  const names = readdirSync(XDP_TOOLS)
    .filter(name => name.endsWith('.o'))
    .sort();
  const pairs = names.flatMap((a, index) => names.slice(index + 1).map(b => [a, b]));
  return [...names.map(name => [name]), ...pairs].map(files => ({
    name: `xdp-tools: ${files.join(' ')}`,
    inputs: files.map(file => path.join(XDP_TOOLS, file)),
  }));
}

/** bpftool's results that no tool can read. */
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['license-reference', 'a reference to the license of the second file leads to symbol 0'],
]);

const peers = needs('bpftool', 'llvm-objdump', 'llvm-readelf');

peers.describe('linked by bpftool and by rootlet', () => {
  const jobs = [...new Map([...caseJobs(), ...xdpToolsJobs()].map(job => [job.name, job])).values()];
  const links = new Map<string, BothLinks>();
  const dumped = new Map<string, DumpedLink>();
  const used = new Set<string>();

  beforeAll(() => {
    for (const job of jobs) links.set(job.name, linkBoth(directory, job));
    const made = [...links.values()].filter(
      ({ job, peer, ours }) => peer.ok && ours.ok && !UNREADABLE.has(job.name.split(':')[0] ?? ''),
    );
    for (const link of dumpBoth(made)) dumped.set(link.job.name, link);
  }, 120_000);

  test.each(jobs)('$name', ({ name }) => {
    const both = links.get(name);
    if (both === undefined) throw new Error('was not linked');
    expect(judgeAcceptance(both, both.job.inputs.map(readFile))).toBeUndefined();
    const link = dumped.get(name);
    if (link === undefined) return;
    const verdict = judge(link);
    for (const rule of verdict.used) used.add(rule);
    expect(verdict.problems).toEqual([]);
  });

  test('enough was compared, and no allowance is without use', () => {
    expect(dumped.size).toBeGreaterThan(60);
    const wanted = ALLOWED.filter(rule => rule.seenIn === 'cases').map(rule => rule.name);
    expect(wanted.filter(name => !used.has(name))).toEqual([]);
  });

  test.each([...UNREADABLE.keys()])('bpftool still makes an object of %s that no tool can read', name => {
    const made = [...links.values()].filter(({ job, peer }) => job.name.startsWith(`${name}:`) && peer.ok);
    const readable = made.filter(({ files }) => isReadable(files.peer)).map(({ job }) => job.name);
    if (readable.length > 0) console.log(`bpftool got better: ${readable.join(', ')} can be read`);
    expect(made.length).toBeGreaterThan(0);
  });
});

function isReadable(file: string): boolean {
  try {
    readFile(file);
    return true;
  } catch {
    return false;
  }
}

// --- does the comparison see anything? ----------------------------------------------------------------------------

type Change = (object: BpfObject) => BpfObject;

function changeSymbol(name: string, change: (symbol: BpfObject['symbols'][number]) => object): Change {
  return object => ({
    ...object,
    // the changes below keep the kind
    symbols: object.symbols.map(symbol =>
      symbol.name === name ? ({ ...symbol, ...change(symbol) } as BpfObject['symbols'][number]) : symbol,
    ),
  });
}

const CHANGES: readonly (readonly [what: string, change: Change])[] = [
  ['another binding', changeSymbol('prog_a', () => ({ binding: 'weak' }))],
  ['another visibility', changeSymbol('prog_a', () => ({ visibility: 'hidden' }))],
  [
    'references to each other',
    changeSymbol('helper', symbol => {
      const list = symbol.kind === 'function' ? symbol.references : [];
      return {
        references: list.map((one, at) => ({ ...one, symbol: list[list.length - 1 - at]?.symbol ?? 0 })),
      };
    }),
  ],
  [
    'another addend',
    changeSymbol('helper', symbol => ({
      references:
        symbol.kind === 'function' ? symbol.references.map(one => ({ ...one, addend: one.addend + 1 })) : [],
    })),
  ],
  [
    'a line less',
    changeSymbol('prog_a', symbol => ({
      lines: symbol.kind === 'function' ? [...symbol.lines].slice(1) : [],
    })),
  ],
  ['another type', changeSymbol('prog_a', symbol => ({ btfId: symbol.btfId + 2 }))],
  ['a variable without a type', changeSymbol('table', () => ({ btfId: 0 }))],
  ['a variable with other bytes', changeSymbol('state', () => ({ bytes: Uint8Array.of(9, 9, 9, 9) }))],
];

describe('a changed object is not taken for the same', () => {
  const input = readFileSync(path.join(CASES_DIRECTORY, 'same-statics/obj/el/a.bpf.o'));
  const original = readObject({ name: 'a.bpf.o', bytes: input });
  const reread = (object: BpfObject) =>
    dumpObject(readObject({ name: 'a.bpf.o', bytes: writeObject(object) }));

  test('itself is', () => {
    expect(compareDumps(dumpObject(original), reread(original))).toEqual([]);
  });

  test.each(CHANGES)('%s', (_, change) => {
    expect(compareDumps(dumpObject(original), reread(change(original)))).not.toEqual([]);
  });
});
