/** The shape of the code: who may import whom, who may touch the host or print, and that ARCHITECTURE.md is right. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Folders from the bottom up; a file may import from its own folder and from layers below. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/diag'],
  ['src/bytes'],
  ['src/elf', 'src/btf', 'src/isa'],
  ['src/object'],
  ['src/link', 'src/core', 'src/vm', 'src/kernel'],
  ['src/load'],
  ['src/store'],
  ['src/hooks', 'src/state'],
  ['src/dynamic'],
  ['src/chain'],
  ['src'], // index.ts, which only exports
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
  'cli',
];
const KOFFI = ['src/kernel/sys-koffi.ts'];
const HOST_GLOBALS = new Set(['process', 'Buffer', 'require', '__dirname', '__filename']);

interface SourceFile {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** All code that is shipped: no tests, and nothing that only tests import. */
function shippedFiles(): SourceFile[] {
  return ['src', 'cli']
    .flatMap(folder =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
        name => `${folder}/${name}`,
      ),
    )
    .map(name => name.replaceAll(path.sep, '/'))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('/testing.ts'))
    .sort()
    .map(name => ({ path: name, text: readFileSync(path.join(ROOT, name), 'utf8') }));
}

function importsOf(file: SourceFile): string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map(imported => imported.fileName);
}

/** The file that a relative import leads to, from the root of the checkout. */
function resolveImport(file: SourceFile, specifier: string): string {
  return path.posix.join(path.posix.dirname(file.path), specifier);
}

function layerOf(file: string): number {
  return LAYERS.findIndex(layer => layer.includes(folderOf(file)));
}

/** `src/elf/parse.ts` is in `src/elf`, `src/index.ts` in `src`, everything of the command in `cli`. */
function folderOf(file: string): string {
  const [top = '', second = '', ...rest] = file.split('/');
  if (top !== 'src' || rest.length === 0) return top;
  return `${top}/${second}`;
}

const files = shippedFiles();

describe('imports', () => {
  test('every folder has a layer', () => {
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

  test('of Node are only in the folders of the host', () => {
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

describe('globals', () => {
  test('of Node are only used in the folders of the host', () => {
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

  test('names every folder of the code', () => {
    const folders = ['src', 'cli'].flatMap(top =>
      readdirSync(path.join(ROOT, top), { recursive: true, withFileTypes: true })
        .filter(
          entry => entry.isDirectory() && entry.name !== 'testdata' && !entry.parentPath.includes('testdata'),
        )
        .map(entry => path.relative(ROOT, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/')),
    );
    expect(folders.filter(folder => !text.includes(`\`${folder}/\``)).sort()).toEqual([]);
  });

  test('names nothing that is not there', () => {
    const named = [
      ...text.matchAll(/`((?:src|cli|test|scripts|examples|docs|bench|bin|\.ci)\/[^`\s]*)`/g),
    ].map(match => match[1] ?? '');
    expect(named.filter(name => !existsSync(path.join(ROOT, name)))).toEqual([]);
  });
});
