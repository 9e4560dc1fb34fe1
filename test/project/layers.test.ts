/**
 * The structure of the code: which layers and directories may import which, that no files import each other in a cycle,
 * which layers may use the host and print, and that ARCHITECTURE.md is correct.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { type SourceFile, shippedFiles } from '../support/shipped-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Directories from the bottom up; a file may import from its own directory and from layers below. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/diag'],
  ['src/bytes'],
  ['src/image', 'src/picture'],
  ['src/uapi'],
  ['src/elf', 'src/btf', 'src/isa'],
  ['src/object'],
  ['src/link', 'src/core', 'src/vm', 'src/kernel'],
  ['src/load'],
  ['src/store'],
  ['src/hooks', 'src/state'],
  ['src/dynamic'],
  ['src/chain'],
  ['src/fleet'],
  ['src/api'],
  ['cli'],
];

/** Where Node's own modules may be used: everything that is not above the kernel also runs in a browser. */
const HOST = [
  'src/kernel',
  'src/load',
  'src/store',
  'src/hooks',
  'src/state',
  'src/dynamic',
  'src/chain',
  'src/fleet',
  'src/api',
  'cli',
];
const KOFFI = ['src/kernel/open/koffi.ts'];
const HOST_GLOBALS = new Set(['process', 'Buffer', 'require', '__dirname', '__filename']);

function importsOf(file: SourceFile): string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map(imported => imported.fileName);
}

/** The file that a relative import leads to, from the root of the checkout. */
function resolveImport(file: SourceFile, specifier: string): string {
  return path.posix.join(path.posix.dirname(file.path), specifier);
}

/** Files that a file imports. */
function targetsOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter(specifier => specifier.startsWith('.'))
    .map(specifier => resolveImport(file, specifier));
}

/** Files of constants, which may be imported as a namespace from everywhere. */
const CONSTANTS = /^src\/(uapi\/.*|vm\/wasm\/opcodes)\.ts$/;

/** Files that a file imports, in whatever form (types, re-exports, `import()`), but for namespaces of constants. */
function targetsByName(file: SourceFile): string[] {
  const namespaces = new Set(
    parse(file)
      .statements.filter(ts.isImportDeclaration)
      .filter(({ importClause }) => {
        const bindings = importClause?.namedBindings;
        return bindings !== undefined && ts.isNamespaceImport(bindings);
      })
      .map(({ moduleSpecifier }) => resolveImport(file, moduleSpecifier.getText().slice(1, -1)))
      .filter(target => CONSTANTS.test(target)),
  );
  return targetsOf(file).filter(target => !namespaces.has(target));
}

/** Cycles of a graph, each as `a → b → a`; one for every edge that closes one. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): void => {
    const at = trail.indexOf(node);
    if (at >= 0) found.push([...trail.slice(at), node].join(' → '));
    if (at >= 0 || done.has(node)) return;
    for (const target of edges.get(node) ?? []) visit(target, [...trail, node]);
    done.add(node);
  };
  for (const node of edges.keys()) visit(node, []);
  return found;
}

function isKernel(file: string): boolean {
  return file.endsWith('.kernel.ts');
}

function layerOf(file: string): number {
  return LAYERS.findIndex(layer => layer.includes(folderOf(file)));
}

/** `src/elf/parse.ts` and `src/link/passes/gc.ts` are in `src/elf` and `src/link`, everything of the command in `cli`. */
function folderOf(file: string): string {
  const [top = '', second = '', ...rest] = file.split('/');
  if (top !== 'src' || rest.length === 0) return top;
  return `${top}/${second}`;
}

const files = shippedFiles();

describe('imports', () => {
  test('every directory has a layer', () => {
    expect([
      ...new Set(files.filter(file => layerOf(file.path) < 0).map(file => folderOf(file.path))),
    ]).toEqual([]);
  });

  test('go down only', () => {
    const upwards = files.flatMap(file =>
      importsOf(file)
        .filter(specifier => specifier.startsWith('.'))
        .map(specifier => resolveImport(file, specifier))
        .filter(target => folderOf(target) !== folderOf(file.path) && layerOf(target) >= layerOf(file.path))
        .map(target => `${file.path} imports ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test('have no cycle between files', () => {
    expect(cycles(new Map(files.map(file => [file.path, targetsOf(file)])))).toEqual([]);
  });

  test('of another directory name its index; those of cli/ may name any of its files, kernels are files', () => {
    const others = files.filter(file => !isKernel(file.path));
    const deep = others.flatMap(file =>
      targetsByName(file)
        .filter(target => !isKernel(target))
        .filter(target => path.posix.dirname(target) !== path.posix.dirname(file.path))
        .filter(target => target.startsWith('src/') && !target.endsWith('/index.ts'))
        .map(target => `${file.path} imports ${target}`),
    );
    expect(deep, 'npm run index').toEqual([]);
  });

  test('of what only tests use are in tests', () => {
    const shipped = new Set(files.map(file => file.path));
    const strays = files.flatMap(file =>
      targetsOf(file)
        .filter(target => !shipped.has(target))
        .map(target => `${file.path} imports ${target}`),
    );
    expect(strays).toEqual([]);
  });

  test('are all that an index exports', () => {
    const check = spawnSync(process.execPath, ['scripts/index-files.js', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(check.stdout + check.stderr, 'npm run index').toBe('');
    expect(check.status).toBe(0);
  });

  test('are relative with an extension, or of packages', () => {
    const odd = files.flatMap(file =>
      importsOf(file)
        .filter(specifier =>
          specifier.startsWith('.') ? !specifier.endsWith('.ts') : specifier.startsWith('/'),
        )
        .map(specifier => `${file.path} imports ${specifier}`),
    );
    expect(odd).toEqual([]);
  });

  test('of Node are only in the directories of the host', () => {
    const strangers = files
      .filter(file => !HOST.includes(folderOf(file.path)))
      .flatMap(file =>
        importsOf(file)
          .filter(specifier => !specifier.startsWith('.'))
          .map(specifier => `${file.path} imports ${specifier}`),
      );
    expect(strangers).toEqual([]);
  });

  test('of koffi are in one file', () => {
    const users = files.filter(file => importsOf(file).includes('koffi')).map(file => file.path);
    expect(users.filter(user => !KOFFI.includes(user))).toEqual([]);
  });
});

test('an import is found in every form', () => {
  const text = `import { a } from '../a/a.ts';
    import type { B } from '../a/b.ts';
    import * as c from '../a/c.ts';
    import * as uapi from '../uapi/errno.ts';
    export { d } from '../a/d.ts';
    export type E = import('../a/e.ts').E;
    export const f = () => import('../a/f.ts');`;
  expect(targetsByName({ path: 'src/z/z.ts', text }).sort()).toEqual(
    ['a', 'b', 'c', 'd', 'e', 'f'].map(name => `src/a/${name}.ts`),
  );
});

test('a cycle is found and named', () => {
  const edges = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
  ]);
  expect(cycles(edges)).toEqual(['a → b → c → a']);
});

describe('globals', () => {
  test('of Node are only used in the directories of the host', () => {
    const uses = files
      .filter(file => !HOST.includes(folderOf(file.path)))
      .flatMap(file => globalsUsed(file).map(name => `${file.path} uses ${name}`));
    expect(uses).toEqual([]);
  });

  test('only the command prints and ends the process', () => {
    const printing = files
      .filter(file => folderOf(file.path) !== 'cli')
      .flatMap(file => printsOf(file).map(text => `${file.path}: ${text}`));
    expect(printing).toEqual([]);
  });
});

function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
}

function nodesOf(root: ts.Node): ts.Node[] {
  const nodes: ts.Node[] = [];
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    nodes.push(node);
    ts.forEachChild(node, child => {
      stack.push(child);
    });
  }
  return nodes;
}

/** Identifiers of the host's globals, not counting names of members and properties. */
function globalsUsed(file: SourceFile): string[] {
  const used = nodesOf(parse(file))
    .filter(ts.isIdentifier)
    .filter(node => HOST_GLOBALS.has(node.text) && !isMemberName(node))
    .map(node => node.text);
  return [...new Set(used)].sort();
}

function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent);
}

/** `console.log`, `process.exit`, `process.stdout` and the like, as written. */
function printsOf(file: SourceFile): string[] {
  return nodesOf(parse(file))
    .filter(ts.isPropertyAccessExpression)
    .map(node => node.getText())
    .filter(text => /^console\.|^process\.(exit|exitCode|stdout|stderr|abort)$/.test(text));
}

describe('ARCHITECTURE.md', () => {
  const text = readFileSync(path.join(ROOT, 'ARCHITECTURE.md'), 'utf8');

  test('names every directory of the code', () => {
    const folders = ['src', 'cli'].flatMap(top =>
      readdirSync(path.join(ROOT, top), { recursive: true, withFileTypes: true })
        .filter(
          entry => entry.isDirectory() && entry.name !== 'testdata' && !entry.parentPath.includes('testdata'),
        )
        .map(entry => path.relative(ROOT, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/')),
    );
    expect(folders.filter(folder => !text.includes(`\`${folder}/\``)).sort()).toEqual([]);
  });

  test('has the layers that imports follow', () => {
    const rows = [...text.matchAll(/^\| (\d+) \| `([^`]*)\/` \|/gm)].map(([, number, directory = '']) => ({
      number: Number(number),
      directory,
    }));
    const filled = LAYERS.map(layer => layer.filter(directory => existsSync(path.join(ROOT, directory))));
    const expected = filled
      .filter(layer => layer.length > 0)
      .flatMap((layer, number) => layer.map(directory => ({ number, directory })));
    expect(rows).toEqual(expected);
  });

  test('names every directory of tests that belong to no layer', () => {
    const directories = readdirSync(path.join(ROOT, 'test'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => `\`test/${entry.name}/\``);
    expect(directories.filter(directory => !text.includes(directory))).toEqual([]);
  });

  test('names functions that exist where it says so', () => {
    const example = text.slice(text.indexOf("## One input's bytes"));
    const pairs = [...example.matchAll(/`(\w+)` \(`((?:src|cli)\/[^`]*\.ts)`/g)];
    expect(pairs.length).toBeGreaterThan(15);
    const missing = pairs.filter(([, name = '', file = '']) => {
      const source = readFileSync(path.join(ROOT, file), 'utf8');
      return !new RegExp(`export (?:function|class) ${name}\\b`).test(source);
    });
    expect(missing.map(([, name, file]) => `${name} in ${file}`)).toEqual([]);
  });

  test('names nothing that is not there', () => {
    const named = [
      ...text.matchAll(/`((?:src|cli|test|scripts|examples|docs|bench|bin|\.ci)\/[^`\s]*)`/g),
    ].map(match => match[1] ?? '');
    expect(named.filter(name => !existsSync(path.join(ROOT, name)))).toEqual([]);
  });
});
