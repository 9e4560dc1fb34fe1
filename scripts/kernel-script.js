/**
 * Kernels as one script: what commands run where WebAssembly is not to be had. Accesses are written out as elements of
 * typed arrays and constants as numbers, since a command is too short for the engine to do it. The script is a function
 * of what an access outside of memory does, and returns `{ bindMemory, functions }` as `src/image/memory.ts` has them.
 */

import ts from 'typescript';
import { callable, fold } from './kernel-source.js';

/** @typedef {import('./kernel-source.js').Kernels} Kernels */
/** @typedef {import('./kernel-source.js').KernelFunction} KernelFunction */
/** @typedef {import('./kernel-source.js').Unit} Unit */

const { factory, SyntaxKind } = ts;

/** The array of each access of one place. Where a value makes calls, memory may move: the function is called then. */
const ARRAYS = new Map([
  ['word', 'words'],
  ['byte', 'bytes'],
  ['setWord', 'words'],
  ['setByte', 'bytes'],
]);

/** Names of the script that are not functions of kernels. @param {string} name */
const own = name => `$${name}`;

/**
 * @param {Kernels} kernels
 * @param {string} memory    Text of `src/image/memory.ts`.
 */
export function printScript({ units, functions }, memory) {
  const bodies = units.map(unit => printUnit(unit, functions)).join('');
  const exported = callable(functions).map(of => `${of.name}: ${of.symbol}`);
  const result = `{ bindMemory: ${own('bindMemory')}, functions: { ${exported.join(', ')} } }`;
  return `(function (${own('outside')}) { "use strict";\n${printMemory(memory)}${bodies}return ${result};\n})`;
}

/** @param {string} text @param {ts.TransformerFactory<ts.SourceFile>} change */
function transpiled(text, change) {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true },
    transformers: { before: [change] },
  });
  return outputText.replace(/^export \{\};\n/m, '').replace(/^export /gm, '');
}

/** The accesses, with names that no variable of a kernel has. @param {string} text */
function printMemory(text) {
  return transpiled(text, context => source => {
    const declared = source.statements.flatMap(statement => {
      if (ts.isVariableStatement(statement))
        return statement.declarationList.declarations.map(({ name }) => name.getText());
      return ts.isFunctionDeclaration(statement) && statement.name !== undefined ? [statement.name.text] : [];
    });
    const names = new Set([...declared, 'outside']);
    /** @type {ts.Visitor} */
    const visit = node => {
      if (ts.isIdentifier(node) && names.has(node.text) && !isMember(node))
        return factory.createIdentifier(own(node.text));
      return ts.visitEachChild(node, visit, context);
    };
    const kept = source.statements.filter(statement => !ts.isImportDeclaration(statement));
    const changed = kept.map(statement => /** @type {ts.Statement} */ (ts.visitNode(statement, visit)));
    return factory.updateSourceFile(source, changed);
  });
}

/** @param {ts.Identifier} node */
function isMember(node) {
  const { parent } = node;
  return (ts.isPropertyAccessExpression(parent) && parent.name === node) || ts.isParameter(parent);
}

/** @param {Unit} unit @param {readonly KernelFunction[]} functions */
function printUnit(unit, functions) {
  return transpiled(unit.source.text, context => source => transformed(source, context, unit, functions));
}

/**
 * @param {ts.SourceFile} source
 * @param {ts.TransformationContext} context
 * @param {Unit} unit
 * @param {readonly KernelFunction[]} functions
 */
function transformed(source, context, unit, functions) {
  const kept = source.statements.filter(ts.isFunctionDeclaration).map(node => {
    const of = functions.find(one => one.unit === unit && one.name === node.name?.text);
    const locals = new Set(node.parameters.map(({ name }) => name.getText()));
    /** @param {ts.Node} child */
    const collect = child => {
      if (ts.isVariableDeclaration(child)) locals.add(child.name.getText());
      ts.forEachChild(child, collect);
    };
    collect(node);
    const body = ts.visitNode(
      node.body,
      visitor(context, unit, name => locals.has(name)),
    );
    const name = factory.createIdentifier(of?.symbol ?? '');
    return factory.createFunctionDeclaration(
      undefined,
      undefined,
      name,
      undefined,
      node.parameters,
      undefined,
      /** @type {ts.Block} */ (body),
    );
  });
  return factory.updateSourceFile(source, kept);
}

/**
 * @param {ts.TransformationContext} context
 * @param {Unit} unit
 * @param {(name: string) => boolean} isLocal
 * @returns {ts.Visitor}
 */
function visitor(context, unit, isLocal) {
  /** @type {ts.Visitor} */
  const visit = node => {
    const constant = isReference(node) ? fold(node, unit, isLocal) : undefined;
    if (typeof constant === 'number') return numeral(constant);
    if (ts.isIdentifier(node) && !isLocal(node.text)) {
      const meaning = unit.names.get(node.text);
      if (meaning?.kind === 'access') return factory.createIdentifier(own(meaning.name));
      return meaning?.kind === 'function' ? factory.createIdentifier(meaning.of.symbol) : node;
    }
    if (ts.isCallExpression(node)) {
      const access = accessOf(node, unit, isLocal, visit);
      if (access !== undefined) return access;
    }
    return ts.visitEachChild(node, visit, context);
  };
  return visit;
}

/** A constant by name, not a declaration or a member. @param {ts.Node} node @returns {node is ts.Expression} */
function isReference(node) {
  if (ts.isPropertyAccessExpression(node)) return true;
  return ts.isIdentifier(node) && !(ts.isVariableDeclaration(node.parent) && node.parent.name === node);
}

/** @param {number} value */
function numeral(value) {
  const digits = factory.createNumericLiteral(Math.abs(value));
  if (value >= 0) return digits;
  return factory.createParenthesizedExpression(
    factory.createPrefixUnaryExpression(SyntaxKind.MinusToken, digits),
  );
}

/**
 * `word(x)` as `(words[x] ?? outside(x))`, `setWord(x, y)` as `words[x] = y`.
 *
 * @param {ts.CallExpression} node
 * @param {Unit} unit
 * @param {(name: string) => boolean} isLocal
 * @param {ts.Visitor} visit
 * @returns {ts.Expression | undefined}
 */
function accessOf({ expression, arguments: given }, unit, isLocal, visit) {
  if (!ts.isIdentifier(expression) || isLocal(expression.text)) return undefined;
  const meaning = unit.names.get(expression.text);
  const array = meaning?.kind === 'access' ? ARRAYS.get(meaning.name) : undefined;
  if (array === undefined || given.some(one => calls(one, unit))) return undefined;
  const [index, value] = given.map(one => /** @type {ts.Expression} */ (ts.visitNode(one, visit)));
  if (index === undefined) return undefined;
  const element = factory.createElementAccessExpression(factory.createIdentifier(own(array)), index);
  if (value !== undefined) return factory.createAssignment(element, value);
  const outside = factory.createCallExpression(factory.createIdentifier(own('outside')), undefined, []);
  return factory.createParenthesizedExpression(
    factory.createBinaryExpression(element, SyntaxKind.QuestionQuestionToken, outside),
  );
}

/** Does an expression call a kernel? @param {ts.Node} node @param {Unit} unit @returns {boolean} */
function calls(node, unit) {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression))
    if (unit.names.get(node.expression.text)?.kind === 'function') return true;
  return ts.forEachChild(node, child => calls(child, unit) || undefined) ?? false;
}
