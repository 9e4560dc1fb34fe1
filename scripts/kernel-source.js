/**
 * Reads kernels (`*.kernel.ts`): functions, what their names mean, and constants. Kernels are written in a subset of
 * TypeScript that is the same program as JavaScript and as WebAssembly; what breaks its rules is a `KernelError` with
 * its place. The rules are in ARCHITECTURE.md.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';

const { SyntaxKind } = ts;

/** Where the functions that access memory are declared. */
export const MEMORY = 'src/image/memory.ts';
/** Those, and how many arguments they take. */
export const ACCESSES = new Map([
  ['word', 1],
  ['byte', 1],
  ['half', 1],
  ['setWord', 2],
  ['setByte', 2],
  ['setHalf', 2],
  ['copy', 3],
  ['fill', 3],
  ['grow', 1],
  ['draw', 1],
]);

/** As `Image.run` passes them on. */
const MOST_PARAMETERS = 8;

/**
 * @typedef {object} KernelFunction
 * @property {Unit} unit
 * @property {string} name
 * @property {string} symbol    A name that nothing else has.
 * @property {ts.FunctionDeclaration} node
 * @property {number} index    Among all functions.
 * @property {boolean} exported    To other kernels.
 * @property {boolean} gives    Every path returns a value.
 */
/**
 * What a name in a file means. `constant` is an expression of a kernel, `value` what another file exports.
 * @typedef {{ kind: 'function', of: KernelFunction }
 *   | { kind: 'access', name: string }
 *   | { kind: 'constant', unit: Unit, node: ts.Expression }
 *   | { kind: 'value', value: unknown }} Meaning
 */
/**
 * A kernel file.
 * @typedef {object} Unit
 * @property {string} file
 * @property {ts.SourceFile} source
 * @property {Map<string, Meaning>} names
 */
/** @typedef {{ units: Unit[], functions: KernelFunction[] }} Kernels */

/** A kernel that breaks a rule of the subset. */
export class KernelError extends Error {
  /** @param {ts.Node} node @param {string} rule */
  constructor(node, rule) {
    const source = node.getSourceFile();
    const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
    super(`${source.fileName}:${line + 1}:${character + 1}: ${rule}`);
  }
}

/** Texts of all kernels below `src/`, by path from the root. @param {string} root */
export function kernelTexts(root) {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const files = names
    .filter(name => name.endsWith('.kernel.ts'))
    .map(name => `src/${name.replaceAll(sep, '/')}`);
  return new Map(files.sort().map(file => [file, readFileSync(join(root, file), 'utf8')]));
}

/**
 * @param {string} root
 * @param {ReadonlyMap<string, string>} texts
 * @returns {Promise<Kernels>}
 */
export async function readKernels(root, texts) {
  const units = [...texts].map(([file, text]) => ({
    file,
    source: ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true),
    names: new Map(),
  }));
  /** @type {KernelFunction[]} */
  const functions = [];
  for (const unit of units) declare(unit, functions);
  const modules = await valuesOf(root, units);
  for (const unit of units) for (const used of importsOf(unit)) bind(unit, used, units, modules);
  return { units, functions };
}

/** Functions and constants of a file. @param {Unit} unit @param {KernelFunction[]} functions */
function declare(unit, functions) {
  for (const statement of unit.source.statements) {
    if (ts.isImportDeclaration(statement)) continue;
    if (ts.isFunctionDeclaration(statement)) declareFunction(unit, statement, functions);
    else if (ts.isVariableStatement(statement)) declareConstants(unit, statement);
    else throw new KernelError(statement, 'a kernel has imports, functions and constants only');
  }
}

/** @param {Unit} unit @param {ts.FunctionDeclaration} node @param {KernelFunction[]} functions */
function declareFunction(unit, node, functions) {
  if (node.name === undefined || node.body === undefined)
    throw new KernelError(node, 'a function has a name and a body');
  if (node.asteriskToken !== undefined || (node.typeParameters?.length ?? 0) > 0)
    throw new KernelError(node, 'no generators and no type parameters');
  for (const parameter of node.parameters) {
    const plain = parameter.initializer === undefined && parameter.dotDotDotToken === undefined;
    if (!plain || parameter.questionToken !== undefined || !ts.isIdentifier(parameter.name))
      throw new KernelError(parameter, 'parameters are plain names');
    if (parameter.type?.kind !== SyntaxKind.NumberKeyword)
      throw new KernelError(parameter, "parameters are of type 'number'");
  }
  if (node.type?.kind !== SyntaxKind.NumberKeyword && node.type?.kind !== SyntaxKind.VoidKeyword)
    throw new KernelError(node.name, "the result is of type 'number' or 'void'");
  if (node.parameters.length > MOST_PARAMETERS)
    throw new KernelError(node.name, `at most ${MOST_PARAMETERS} parameters`);
  const exported = node.modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) ?? false;
  const name = node.name.text;
  const index = functions.length;
  const of = { unit, name, symbol: `${name}$${index}`, node, index, exported, gives: !completes(node.body) };
  functions.push(of);
  unit.names.set(name, { kind: 'function', of });
}

/** @param {Unit} unit @param {ts.VariableStatement} statement */
function declareConstants(unit, statement) {
  for (const { name, initializer } of statement.declarationList.declarations) {
    const constant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    if (!constant || !ts.isIdentifier(name) || initializer === undefined)
      throw new KernelError(name, 'state of a module is a constant number; other state is in the image');
    unit.names.set(name.text, { kind: 'constant', unit, node: initializer });
  }
}

/** Functions that others than kernels call: by name alone, so that no other kernel may export the same. @param {readonly KernelFunction[]} functions */
export function callable(functions) {
  const exported = functions.filter(of => of.exported);
  return exported.filter(of => exported.every(other => other === of || other.name !== of.name));
}

/** Can a statement be left at its end, or return no value? @param {ts.Statement} statement @returns {boolean} */
export function completes(statement) {
  if (ts.isBlock(statement)) return statement.statements.every(completes);
  if (ts.isReturnStatement(statement)) return statement.expression === undefined;
  if (ts.isIfStatement(statement))
    return (
      statement.elseStatement === undefined ||
      completes(statement.thenStatement) ||
      completes(statement.elseStatement)
    );
  if (ts.isWhileStatement(statement))
    return statement.expression.kind !== SyntaxKind.TrueKeyword || breaks(statement.statement);
  if (ts.isForStatement(statement)) return statement.condition !== undefined || breaks(statement.statement);
  return statement.kind !== SyntaxKind.BreakStatement && statement.kind !== SyntaxKind.ContinueStatement;
}

/** Does a body have a `break` of its own loop? @param {ts.Node} node @returns {boolean} */
function breaks(node) {
  if (ts.isBreakStatement(node)) return true;
  if (ts.isIterationStatement(node, false)) return false;
  return ts.forEachChild(node, child => breaks(child) || undefined) ?? false;
}

/** @typedef {{ node: ts.ImportDeclaration, file: string, names: (readonly [local: ts.Identifier, name: string | null])[] }} Import */

/** Imports of a file; a name of `null` is the namespace. @param {Unit} unit @returns {Import[]} */
function importsOf(unit) {
  return unit.source.statements.filter(ts.isImportDeclaration).map(node => {
    const bindings = node.importClause?.namedBindings;
    if (bindings === undefined || !ts.isStringLiteral(node.moduleSpecifier))
      throw new KernelError(node, 'imports are named, or a namespace of constants');
    const names = ts.isNamespaceImport(bindings)
      ? [/** @type {const} */ ([bindings.name, null])]
      : bindings.elements.map(one => /** @type {const} */ ([one.name, (one.propertyName ?? one.name).text]));
    return { node, file: posix.join(posix.dirname(unit.file), node.moduleSpecifier.text), names };
  });
}

/** @param {string} file */
const isKernel = file => file.endsWith('.kernel.ts');

/** What files of constants export, by path. @param {string} root @param {readonly Unit[]} units @returns {Promise<Map<string, Record<string, unknown>>>} */
async function valuesOf(root, units) {
  const imported = units.flatMap(unit => importsOf(unit).map(({ file }) => file));
  const files = [...new Set(imported)].filter(file => !isKernel(file) && file !== MEMORY).sort();
  const { outputFiles } = await build({
    stdin: {
      contents: files.map((file, index) => `export * as m${index} from './${file}';`).join('\n'),
      resolveDir: root,
      sourcefile: 'constants.ts',
      loader: 'ts',
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'constants',
    platform: 'neutral',
    logLevel: 'error',
  });
  const made = new Function(`${outputFiles[0]?.text}; return constants;`)();
  return new Map(files.map((file, index) => [file, made[`m${index}`]]));
}

/**
 * @param {Unit} unit
 * @param {Import} used
 * @param {readonly Unit[]} units
 * @param {ReadonlyMap<string, Record<string, unknown>>} modules
 */
function bind(unit, { node, file, names }, units, modules) {
  const kernel = units.find(other => other.file === file);
  if (isKernel(file) && kernel === undefined) throw new KernelError(node, `there is no kernel ${file}`);
  for (const [local, name] of names) {
    const meaning = meaningOf(file, name, kernel, modules.get(file));
    if (meaning === undefined) throw new KernelError(local, `${file} does not export '${name ?? '*'}'`);
    unit.names.set(local.text, meaning);
  }
}

/**
 * @param {string} file
 * @param {string | null} name
 * @param {Unit | undefined} kernel
 * @param {Record<string, unknown> | undefined} module
 * @returns {Meaning | undefined}
 */
function meaningOf(file, name, kernel, module) {
  if (name === null) return module === undefined ? undefined : { kind: 'value', value: module };
  if (file === MEMORY) return ACCESSES.has(name) ? { kind: 'access', name } : undefined;
  if (kernel === undefined)
    return module !== undefined && name in module ? { kind: 'value', value: module[name] } : undefined;
  const meaning = kernel.names.get(name);
  const isOwn = meaning?.kind === 'constant' || (meaning?.kind === 'function' && meaning.of.exported);
  return isOwn ? meaning : undefined;
}

/**
 * The value of a constant expression, as JavaScript computes it: a number, or an object of numbers; undefined for any
 * other.
 *
 * @param {ts.Expression} node
 * @param {Unit} unit
 * @param {(name: string) => boolean} isLocal    Is it a name of the function, which hides that of the file?
 * @returns {unknown}
 */
export function fold(node, unit, isLocal) {
  if (ts.isParenthesizedExpression(node)) return fold(node.expression, unit, isLocal);
  if (ts.isAsExpression(node)) return fold(node.expression, unit, isLocal);
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isObjectLiteralExpression(node)) return Object.fromEntries(membersOf(node, unit));
  if (ts.isIdentifier(node)) return isLocal(node.text) ? undefined : constantOf(unit.names.get(node.text));
  if (ts.isPropertyAccessExpression(node)) {
    const object = fold(node.expression, unit, isLocal);
    return typeof object === 'object' && object !== null
      ? /** @type {Record<string, unknown>} */ (object)[node.name.text]
      : undefined;
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const value = fold(node.operand, unit, isLocal);
    if (typeof value !== 'number') return undefined;
    if (node.operator === SyntaxKind.MinusToken) return -value;
    return node.operator === SyntaxKind.TildeToken ? ~value : undefined;
  }
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [fold(node.left, unit, isLocal), fold(node.right, unit, isLocal)];
  if (typeof left !== 'number' || typeof right !== 'number') return undefined;
  return FOLDED.get(node.operatorToken.kind)?.(left, right);
}

/** @param {ts.ObjectLiteralExpression} node @param {Unit} unit @returns {(readonly [string, unknown])[]} */
function membersOf({ properties }, unit) {
  return properties.map(member => {
    if (!ts.isPropertyAssignment(member))
      throw new KernelError(member, 'a constant object has plain numbers');
    return [member.name.getText(), fold(member.initializer, unit, () => false)];
  });
}

/** @param {Meaning | undefined} meaning */
function constantOf(meaning) {
  if (meaning?.kind === 'value') return meaning.value;
  return meaning?.kind === 'constant' ? fold(meaning.node, meaning.unit, () => false) : undefined;
}

/** Constants that a kernel exports. @param {Unit} unit @returns {(readonly [string, unknown])[]} */
export function exportedConstants(unit) {
  return unit.source.statements
    .filter(ts.isVariableStatement)
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword))
    .flatMap(({ declarationList }) => declarationList.declarations.map(({ name }) => name.getText()))
    .map(name => [name, constantOf(unit.names.get(name))]);
}

/** @type {ReadonlyMap<ts.SyntaxKind, (a: number, b: number) => number>} */
const FOLDED = new Map([
  [SyntaxKind.PlusToken, (a, b) => a + b],
  [SyntaxKind.MinusToken, (a, b) => a - b],
  [SyntaxKind.AmpersandToken, (a, b) => a & b],
  [SyntaxKind.BarToken, (a, b) => a | b],
  [SyntaxKind.CaretToken, (a, b) => a ^ b],
  [SyntaxKind.LessThanLessThanToken, (a, b) => a << b],
  [SyntaxKind.GreaterThanGreaterThanToken, (a, b) => a >> b],
  [SyntaxKind.GreaterThanGreaterThanGreaterThanToken, (a, b) => a >>> b],
]);
