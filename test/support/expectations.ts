/** What `EXPECT-…` directives mean. Those about running are left to the tests that have something to run code on. */

import { expect } from 'vitest';
import { formatProblem, type Problem } from '../../src/diag/problem.ts';
import {
  type BpfObject,
  type BpfSymbol,
  licenseOf,
  programsOf,
  sectionOf,
} from '../../src/object/model/index.ts';
import { sizeOfSymbol } from '../../src/object/model/model.ts';
import { layoutSections } from '../../src/object/write/layout.ts';
import type { Expectation } from './directives.ts';

/** Words that other tests act on. */
const ELSEWHERE = new Set(['ERROR', 'RUN', 'KERNEL-SKIP', 'LIBBPF-SKIP', 'NOT-LOADABLE']);

/** Every expectation of one kind, as words. */
export function textsOf(expectations: readonly Expectation[], word: string): string[] {
  return expectations.filter(entry => entry.word === word).map(entry => entry.text);
}

/** `EXPECT-ERROR: code text`: each says something of a problem, and each problem is reported by at least one. */
export function checkProblems(problems: readonly Problem[], expectations: readonly Expectation[]): void {
  const found = problems.map(problem => ({ code: problem.code, text: formatProblem(problem) }));
  const wanted = textsOf(expectations, 'ERROR').map(text => {
    const space = `${text} `.indexOf(' ');
    return { code: text.slice(0, space), text: text.slice(space + 1) };
  });
  const fits = (problem: (typeof found)[number], want: (typeof wanted)[number]) =>
    problem.code === want.code && problem.text.includes(want.text);
  for (const want of wanted) {
    const told = found.some(problem => fits(problem, want));
    expect(told, `no problem ${want.code} with "${want.text}" among\n${listOf(found)}`).toBe(true);
  }
  const unexpected = found.filter(problem => !wanted.some(want => fits(problem, want)));
  expect(unexpected, 'problems that no directive expects').toEqual([]);
}

function listOf(problems: readonly { readonly code: string; readonly text: string }[]): string {
  return problems.map(problem => `${problem.code}: ${problem.text}`).join('\n');
}

/** Everything that can be seen in the object itself. */
export function checkObject(object: BpfObject, expectations: readonly Expectation[]): void {
  for (const { word, text } of expectations) {
    if (ELSEWHERE.has(word)) continue;
    const check = CHECKS.get(word);
    if (check === undefined) throw new Error(`unknown directive EXPECT-${word}`);
    check(object, text);
  }
}

type Check = (object: BpfObject, text: string) => void;

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['SYMBOL', checkSymbol],
  ['NO-SYMBOL', (object, text) => expect(namesOf(object)).not.toContain(text)],
  ['UNRESOLVED', checkUnresolved],
  ['PROGRAMS', checkPrograms],
  ['SECTION', checkSection],
  ['REFERENCE', checkReference],
  ['DISTINCT', checkDistinct],
  ['ALIGNED', checkAligned],
  ['LICENSE', (object, text) => expect(licenseOf(object)).toBe(text)],
  ['TYPE-IDS', checkTypeIds],
  ['TAG', (object, text) => expect(tagsOf(object)).toContain(text)],
  ['NO-TAG', (object, text) => expect(tagsOf(object)).not.toContain(text)],
]);

function namesOf(object: BpfObject): string[] {
  return object.symbols.map(symbol => symbol.name);
}

function find(object: BpfObject, name: string): BpfSymbol {
  const symbol = object.symbols.find(candidate => candidate.name === name);
  if (symbol === undefined) throw new Error(`no symbol "${name}" among ${namesOf(object).join(' ')}`);
  return symbol;
}

/** `name key=value …`. */
function splitAttributes(text: string): { name: string; attributes: (readonly [string, string])[] } {
  const [name = '', ...pairs] = text.split(/\s+/);
  const attributes = pairs.map(pair => {
    const equals = pair.indexOf('=');
    return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
  });
  return { name, attributes };
}

function checkSymbol(object: BpfObject, text: string): void {
  const { name, attributes } = splitAttributes(text);
  const symbol = find(object, name);
  for (const [key, value] of attributes)
    expect(attributeOf(object, symbol, key), `${key} of ${name}`).toBe(value);
}

function attributeOf(object: BpfObject, symbol: BpfSymbol, key: string): string {
  switch (key) {
    case 'kind':
      return symbol.kind;
    case 'binding':
      return symbol.binding;
    case 'visibility':
      return symbol.visibility;
    case 'section':
      return symbol.kind === 'extern' ? (symbol.section ?? '') : (sectionOf(object, symbol)?.name ?? '');
    case 'size':
      return String(sizeOfSymbol(symbol));
    case 'from':
      return symbol.kind === 'extern' ? '' : symbol.origin.file.replace(/\.bpf\.o$/, '');
    default:
      throw new Error(`EXPECT-SYMBOL does not know "${key}"`);
  }
}

function checkUnresolved(object: BpfObject, text: string): void {
  const externs = object.symbols.filter(symbol => symbol.kind === 'extern').map(symbol => symbol.name);
  expect(externs.sort()).toEqual(text === '' ? [] : text.split(/\s+/).sort());
}

function checkPrograms(object: BpfObject, text: string): void {
  expect(
    programsOf(object)
      .map(entry => entry.program.name)
      .sort(),
  ).toEqual(text.split(/\s+/).sort());
}

function checkSection(object: BpfObject, text: string): void {
  const { name, attributes } = splitAttributes(text);
  const index = object.sections.findIndex(section => section.name === name);
  expect(index, `section ${name}`).toBeGreaterThanOrEqual(0);
  for (const [key, value] of attributes) {
    if (key !== 'size') throw new Error(`EXPECT-SECTION does not know "${key}"`);
    expect(layoutSections(object).sections[index]?.size, `size of ${name}`).toBe(Number(value));
  }
}

/** All targets of a symbol's references, as `name` or `name+addend`. */
function targetsOf(object: BpfObject, name: string): string[] {
  const symbol = find(object, name);
  if (symbol.kind === 'extern') return [];
  return symbol.references.map(reference => {
    const target = object.symbols[reference.symbol]?.name ?? '?';
    return reference.addend === 0 ? target : `${target}+${reference.addend}`;
  });
}

/** `from -> to` or `from -> to+8`; names of statics may have got a number at their end. */
function checkReference(object: BpfObject, text: string): void {
  const [from = '', to = ''] = text.split(' -> ');
  const targets = targetsOf(object, from).map(target => target.replace(/__\d+/, ''));
  expect(targets, `references of ${from}`).toContain(to);
}

/** The first references of two symbols lead to different places. */
function checkDistinct(object: BpfObject, text: string): void {
  const places = text.split(/\s+/).map(name => {
    const symbol = find(object, name);
    const [first] = symbol.kind === 'extern' ? [] : symbol.references;
    return `${first?.symbol}+${first?.addend}`;
  });
  expect(new Set(places).size, `places that ${text} refer to`).toBe(places.length);
}

/** `name bytes`: the offset in the section and the section's alignment are multiples of it. */
function checkAligned(object: BpfObject, text: string): void {
  const [name = '', bytes = ''] = text.split(/\s+/);
  const index = object.symbols.indexOf(find(object, name));
  const layout = layoutSections(object);
  const section = layout.sections.find(candidate => candidate.atoms.some(atom => atom.symbol === index));
  expect((layout.offsets[index] ?? -1) % Number(bytes), `offset of ${name}`).toBe(0);
  expect((section?.align ?? -1) % Number(bytes), `alignment of the section of ${name}`).toBe(0);
}

/** `function type…`: the types whose ids are in the code of the function. */
function checkTypeIds(object: BpfObject, text: string): void {
  const [name = '', ...types] = text.split(/\s+/);
  const symbol = find(object, name);
  const records = symbol.kind === 'function' ? symbol.coreRecords : [];
  expect(records.map(record => object.btf?.nameOf(record.type)).sort()).toEqual(types.sort());
}

function tagsOf(object: BpfObject): string[] {
  const tags: string[] = [];
  for (let id = 1; id <= (object.btf?.count ?? 0); id++) {
    const type = object.btf?.type(id);
    if (type?.kind === 'decl_tag') tags.push(type.name);
  }
  return tags;
}

/** `EXPECT-RUN: program value`, the value as r0's lower half. */
export function expectedRuns(expectations: readonly Expectation[]): { program: string; value: number }[] {
  return textsOf(expectations, 'RUN').map(text => {
    const [program = '', value = ''] = text.split(/\s+/);
    return { program, value: Number(value) >>> 0 };
  });
}
