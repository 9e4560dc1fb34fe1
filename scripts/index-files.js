#!/usr/bin/env node
/**
 * Keeps the `index.ts` of every directory: the names that other directories use, and no others.
 *
 *   node scripts/index-files.js          write them, and turn imports of another directory's files into imports of its index
 *   node scripts/index-files.js --check  change nothing; exit 1 and list what would change
 *
 * A file imports its own directory by file, another directory of the same layer by that directory's index, and another
 * layer by the index of the layer; kernels import file by file. `src/api/` (what the package exports) is by hand and a user;
 * `src/uapi/` exports all of its constants. Tests may import any file.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Directories whose index is written by hand. */
const BY_HAND = new Set(['src/api', 'src/uapi']);

/** @typedef {{ file: string, name: string, type: boolean }} Home where a name is declared */
/** @typedef {{ start: number, end: number, text: string }} Edit */

/** @param {string} file */
const rooted = file => relative(ROOT, file).replaceAll(sep, '/');
const directoryOf = posix.dirname;

/** `src/link` for all below it. @param {string} file */
function layerOf(file) {
  return file.split('/').slice(0, 2).join('/');
}

/** Kernels import, and are imported, file by file: they run without the rest of a directory (`src/image/`). @param {string} file */
const isKernel = file => file.endsWith('.kernel.ts');

/** @param {string} name */
function isShipped(name) {
  return name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('/testing.ts');
}

/** @returns {string[]} */
function shippedFiles() {
  return ['src', 'cli']
    .flatMap(top =>
      readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map(name => join(top, name)),
    )
    .map(name => name.replaceAll(sep, '/'))
    .filter(isShipped)
    .sort();
}

/** @param {string} from @param {string} to */
function specifier(from, to) {
  const path = posix.relative(directoryOf(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

class Indexes {
  /** @type {Map<string, Map<string, Home>>} for each index file, its names */
  names = new Map();

  /** @param {string} index @param {Home} home */
  #add(index, home) {
    const names = this.names.get(index) ?? new Map();
    this.names.set(index, names);
    const known = names.get(home.name);
    if (known !== undefined && known.file !== home.file) {
      throw new Error(`${index}: two exports called ${home.name}, of ${known.file} and of ${home.file}`);
    }
    names.set(home.name, home);
  }

  /** The file that `from` imports to get `home`. @param {string} from @param {Home} home @returns {string} */
  fileFor(from, home) {
    if (directoryOf(from) === directoryOf(home.file) || !home.file.startsWith('src/')) return home.file;
    if (isKernel(from) || isKernel(home.file)) return home.file;
    const room = `${directoryOf(home.file)}/index.ts`;
    if (BY_HAND.has(directoryOf(home.file))) return room;
    this.#add(room, home);
    if (layerOf(from) === layerOf(home.file)) return room;
    const layer = `${layerOf(home.file)}/index.ts`;
    if (layer !== room) this.#add(layer, home);
    return layer;
  }

  /** The text of an index file, with the comment that it has today. @param {string} index */
  textOf(index) {
    const path = join(ROOT, index);
    const head = existsSync(path)
      ? (/^\/\*\*[\s\S]*?\*\/\n\n?/.exec(readFileSync(path, 'utf8'))?.[0] ?? '')
      : '';
    /** @type {Map<string, string[]>} */
    const groups = new Map();
    for (const home of this.names.get(index)?.values() ?? []) {
      const room = `${directoryOf(home.file)}/index.ts`;
      const from = specifier(index, room === index ? home.file : room);
      groups.set(from, [...(groups.get(from) ?? []), `${home.type ? 'type ' : ''}${home.name}`]);
    }
    const lines = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(exportLine);
    return `${head}${lines.join('\n')}\n`;
  }
}

/** @param {string} name */
const bare = name => name.replace(/^type /, '');

/** @param {[string, string[]]} group */
function exportLine([from, names]) {
  const sorted = [...names].sort((a, b) => (bare(a) < bare(b) ? -1 : 1));
  return sorted.every(name => name.startsWith('type '))
    ? `export type { ${sorted.map(bare).join(', ')} } from '${from}';`
    : `export { ${sorted.join(', ')} } from '${from}';`;
}

const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config;
const options = ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options;
const files = shippedFiles();
const program = ts.createProgram(
  files.map(file => join(ROOT, file)),
  { ...options, noEmit: true, incremental: false },
);
const checker = program.getTypeChecker();

/** @param {ts.Symbol} symbol @returns {Home | null} */
function homeOfSymbol(symbol) {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined) return null;
  const type = symbol.declarations?.every(
    one => ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one),
  );
  return { file: rooted(declaration.getSourceFile().fileName), name: symbol.name, type: type === true };
}

/** Declarations of `name` below a directory. @param {string} directory @param {string} name @returns {Home[]} */
function homesBelow(directory, name) {
  return files
    .filter(file => file.startsWith(`${directory}/`) && !file.endsWith('/index.ts'))
    .flatMap(file => {
      const source = program.getSourceFile(join(ROOT, file));
      const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
      const found = module?.exports?.get(/** @type {ts.__String} */ (name));
      return found === undefined || found.flags & ts.SymbolFlags.Alias ? [] : (homeOfSymbol(found) ?? []);
    });
}

/** A name that its index does not export yet, or that has moved: below the directory, else the only one of the project. @param {string} directory @param {string} name @returns {Home | null} */
function homeOfUnknown(directory, name) {
  const [below] = homesBelow(directory, name);
  if (below !== undefined) return below;
  const [only, ...others] = homesBelow('src', name);
  return only !== undefined && others.length === 0 ? only : null;
}

/** Where the name of an import or export is declared. @param {ts.Node} name @returns {Home | null} */
function homeOf(name) {
  const named = checker.getSymbolAtLocation(name);
  if (named === undefined) return null;
  return homeOfSymbol(named.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named);
}

/** @typedef {ts.ImportDeclaration | ts.ExportDeclaration} Statement */

/** @param {ts.Statement} statement @returns {statement is Statement} */
function isRelative(statement) {
  return (
    (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) &&
    statement.moduleSpecifier !== undefined &&
    ts.isStringLiteral(statement.moduleSpecifier) &&
    statement.moduleSpecifier.text.startsWith('.')
  );
}

/** @param {Statement} statement */
function elementsOf(statement) {
  const names = ts.isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : statement.exportClause;
  return names !== undefined && (ts.isNamedImports(names) || ts.isNamedExports(names))
    ? [...names.elements]
    : [];
}

/** The members of `import * as space from '…/index.ts'` that a file uses. @param {ts.SourceFile} source @param {string} space */
function membersUsed(source, space) {
  /** @type {Home[]} */
  const homes = [];
  /** @param {ts.Node} node */
  const visit = node => {
    const member =
      ts.isPropertyAccessExpression(node) && node.expression.getText() === space
        ? node.name
        : ts.isQualifiedName(node) && node.left.getText() === space
          ? node.right
          : null;
    const home = member === null ? null : homeOf(member);
    if (home !== null) homes.push(home);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return homes;
}

/** The statement with every name from where it should come. @param {string} file @param {Statement} statement @param {Indexes} indexes @returns {string | null} */
function corrected(file, statement, indexes) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  const whole = ts.isImportDeclaration(statement) ? statement.importClause?.isTypeOnly : statement.isTypeOnly;
  const now = /** @type {ts.StringLiteral} */ (statement.moduleSpecifier).text;
  const target = posix.join(directoryOf(file), now);
  for (const element of elementsOf(statement)) {
    const home =
      homeOf(element.name) ?? homeOfUnknown(directoryOf(target), (element.propertyName ?? element.name).text);
    if (home === null) continue;
    const from = specifier(file, indexes.fileFor(file, home));
    const alias = element.name.text === home.name ? home.name : `${home.name} as ${element.name.text}`;
    groups.set(from, [...(groups.get(from) ?? []), `${element.isTypeOnly && !whole ? 'type ' : ''}${alias}`]);
  }
  if (groups.size === 0 || (groups.size === 1 && groups.has(now))) return null;
  const keyword = `${ts.isImportDeclaration(statement) ? 'import' : 'export'}${whole ? ' type' : ''}`;
  return [...groups].map(([from, names]) => `${keyword} { ${names.join(', ')} } from '${from}';`).join('\n');
}

/** @param {string} file @param {Indexes} indexes @returns {string} the corrected text */
function visitFile(file, indexes) {
  const source = program.getSourceFile(join(ROOT, file));
  if (source === undefined) throw new Error(`${file}: not a source file`);
  let text = source.text;
  for (const statement of [...source.statements].reverse()) {
    if (!isRelative(statement)) continue;
    const space = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
    if (space !== undefined && ts.isNamespaceImport(space)) {
      const target = posix.join(
        directoryOf(file),
        /** @type {ts.StringLiteral} */ (statement.moduleSpecifier).text,
      );
      if (!target.endsWith('/index.ts')) continue;
      for (const home of membersUsed(source, space.name.text)) indexes.fileFor(file, home);
      continue;
    }
    const better = corrected(file, statement, indexes);
    if (better !== null) text = text.slice(0, statement.getStart()) + better + text.slice(statement.end);
  }
  return text;
}

/** Names and files in any order: the formatter sorts them by rules of its own. @param {string} text */
const normal = text =>
  (text.match(/'[^']*'|[\w$]+/g) ?? [])
    .filter(word => word !== 'type')
    .sort()
    .join(' ');

const indexes = new Indexes();
/** @type {Map<string, string>} */
const wanted = new Map();
for (const file of files) {
  const generated = file.startsWith('src/') && file.endsWith('/index.ts') && !BY_HAND.has(directoryOf(file));
  if (!generated) wanted.set(file, visitFile(file, indexes));
}
for (const index of indexes.names.keys()) wanted.set(index, indexes.textOf(index));
const changed = [...wanted].filter(([file, text]) => {
  const path = join(ROOT, file);
  return !existsSync(path) || normal(readFileSync(path, 'utf8')) !== normal(text);
});
const unused = files.filter(file => file.endsWith('/index.ts') && !wanted.has(file));
for (const [file] of changed) process.stdout.write(`${file}\n`);
for (const file of unused) process.stdout.write(`${file}: no other directory uses it\n`);
if (process.argv.includes('--check')) {
  if (changed.length + unused.length > 0) process.exitCode = 1;
} else {
  for (const [file, text] of changed) writeFileSync(join(ROOT, file), text);
}
