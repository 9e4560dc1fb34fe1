/**
 * The public API: which names the package exports, that each is documented, and that a name means one thing.
 *
 * `test/support/public-names.txt` is the list. A name that is added or removed there is a change for users: it belongs
 * into CHANGELOG.md, and removing one into the next major version.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIST = path.join(ROOT, 'test/support/public-names.txt');
/** Entry points of constants of the kernel, whose names are not ours and do not count. */
const CONSTANTS = new Set(['./uapi']);
/** Of many hosts, which those who write for one do not meet: counted for itself. */
const FLEET = 'fleet';

const entries = readdirSync(path.join(ROOT, 'src/api'))
  .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map(name => name.slice(0, -'.ts'.length))
  .sort();

const config = ts.readConfigFile(path.join(ROOT, 'tsconfig.json'), ts.sys.readFile).config;
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
const program = ts.createProgram(
  entries.map(entry => path.join(ROOT, `src/api/${entry}.ts`)),
  { ...options, noEmit: true, incremental: false },
);
const checker = program.getTypeChecker();

/** The declaration of a name, re-exports resolved. */
interface Export {
  readonly name: string;
  readonly symbol: ts.Symbol;
}

function exportsOf(entry: string): Export[] {
  const source = program.getSourceFile(path.join(ROOT, `src/api/${entry}.ts`));
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) return [];
  return checker
    .getExportsOfModule(module)
    .map(symbol => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const exported = new Map(entries.map(entry => [entry, exportsOf(entry)]));

function fileOf(symbol: ts.Symbol): string {
  const [declaration] = symbol.declarations ?? [];
  return declaration === undefined ? '' : path.relative(ROOT, declaration.getSourceFile().fileName);
}

/** One paragraph for each entry point: its name, then the names that it exports. */
function list(): string {
  return entries
    .map(entry => [`[${entry}]`, ...(exported.get(entry) ?? []).map(({ name }) => name), ''].join('\n'))
    .join('\n');
}

describe('entry points', () => {
  test('are those of package.json', () => {
    const { exports } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const named = Object.keys(exports)
      .filter(key => key !== './package.json' && !CONSTANTS.has(key))
      .map(key => (key === '.' ? 'index' : key.slice('./'.length)));
    expect(named.sort()).toEqual(entries);
  });

  test.for(entries)('%s names what it exports', entry => {
    const text = readFileSync(path.join(ROOT, `src/api/${entry}.ts`), 'utf8');
    expect(text).not.toMatch(/export \*(?! as )/);
  });

  test('export exactly the names of the list', () => {
    expect(list()).toBe(readFileSync(LIST, 'utf8'));
  });

  test('export 150 to 280 names in all', () => {
    const own = entries.filter(entry => entry !== FLEET);
    const names = new Set(own.flatMap(entry => (exported.get(entry) ?? []).map(({ name }) => name)));
    expect(names.size).toBeGreaterThanOrEqual(150);
    expect(names.size).toBeLessThanOrEqual(280);
    expect(exported.get(FLEET)?.length).toBeLessThanOrEqual(40);
  });
});

describe('names', () => {
  const all = entries.flatMap(entry => (exported.get(entry) ?? []).map(one => ({ entry, ...one })));

  test('mean one thing in every entry point', () => {
    const homes = new Map<string, Set<ts.Symbol>>();
    for (const { name, symbol } of all) homes.set(name, (homes.get(name) ?? new Set()).add(symbol));
    const several = [...homes].filter(([, symbols]) => symbols.size > 1).map(([name]) => name);
    expect(several).toEqual([]);
  });

  test('have a doc comment', () => {
    const without = all
      .filter(({ symbol }) => (symbol.flags & ts.SymbolFlags.Module) === 0) // the head of their file
      .filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0)
      .map(({ entry, name }) => `${entry}: ${name}`);
    expect(without).toEqual([]);
  });

  test('come from code that is shipped', () => {
    const stray = all.filter(({ symbol }) => !/^src\/(?!.*testing).*\.ts$/.test(fileOf(symbol)));
    expect(stray.map(({ name }) => name)).toEqual([]);
  });
});
