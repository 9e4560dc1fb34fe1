/**
 * All problem codes: class and exit code from the table of codes, cause and remedy from docs/errors.md, and the messages and
 * hints that the sources give to problems of the code.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { DIST, ROOT } from './paths.js';

/** @typedef {{ messages: Set<string>, hints: Set<string> }} Texts */

export async function errorIndex() {
  const { PROBLEM_CODES, EXIT } = await import(pathToFileURL(join(DIST, 'src/diag/index.js')).href);
  const codes = /** @type {Record<string, string>} */ (PROBLEM_CODES);
  const { common, words } = documented();
  const texts = textsInSources(codes);
  const firstWords = [...new Set(Object.keys(codes).map(firstWord))].sort();
  const parts = firstWords.flatMap(word => [
    `## ${word}`,
    sentence(words.get(word) ?? ''),
    ...Object.keys(codes)
      .filter(code => firstWord(code) === word)
      .sort()
      .map(code => entry(code, codes[code] ?? '', EXIT, common.get(code), texts.get(code))),
  ]);
  return `${[HEAD, ...parts].join('\n\n')}\n`;
}

const HEAD = `---
outline: 2
search: false
---

# Error index

Every problem has a code, which is stable within a major version. [Problems and their codes](../docs/errors.md) describes
the parts of a problem, classes and exit codes. "…" in a message stands for what is known when the problem is found:
names, sizes, offsets.`;

/** @param {string} code */
const firstWord = code => code.split('-')[0] ?? '';

/**
 * @param {string} code
 * @param {string} kind
 * @param {Record<string, number>} exit
 * @param {readonly [cause: string, remedy: string] | undefined} row
 * @param {Texts | undefined} texts
 */
function entry(code, kind, exit, row, texts) {
  const lines = [`### ${code} {#${code}}`, `Class \`${kind}\`, exit code ${exit[kind]}.`];
  if (row !== undefined) lines.push(`**Cause:** ${sentence(row[0])}`, `**Remedy:** ${sentence(row[1])}`);
  const messages = [...(texts?.messages ?? [])].sort();
  const hints = [...(texts?.hints ?? [])].sort();
  if (messages.length > 0) lines.push(`**Message**\n\n${messages.map(asCode).join('\n')}`);
  if (hints.length > 0) lines.push(`**Hint**\n\n${hints.map(asCode).join('\n')}`);
  if (row === undefined && hints.length === 0) lines.push(`**Remedy:** ${BY_CLASS[kind] ?? ''}`);
  return lines.join('\n\n');
}

/** What helps where the code has no remedy of its own. @type {Readonly<Record<string, string>>} */
const BY_CLASS = {
  input:
    'The problem names file, section and offset. Compile the source again, and check how the file was changed since.',
  usage: 'Correct the argument that the message names; `rootlet help COMMAND` lists all of them.',
  platform:
    'The message has what the kernel or the system answered; `rootlet doctor` shows what it supports.',
  busy: 'Try again when the other process has ended.',
  partial: 'The hint of the problem names the command that completes the change.',
  bug: 'Please report it, with the file that caused it if it can be shared.',
};

/** @param {string} text */
function asCode(text) {
  const fence = text.includes('`') ? '``' : '`';
  return `- ${fence}${fence === '`' ? text : ` ${text} `}${fence}`;
}

/** @param {string} text */
function sentence(text) {
  const [first = ''] = text;
  const begun = /[a-z]/.test(first) ? first.toUpperCase() + text.slice(1) : text;
  return begun === '' || /[.…]$/.test(begun) ? begun : `${begun}.`;
}

/** Rows of the tables in docs/errors.md, with links that are right from the page of the index. */
function documented() {
  const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').replaceAll(
    /\]\((?=[\w-]+\.md)/g,
    '](../docs/',
  );
  const common = new Map();
  const words = new Map();
  for (const [, names = '', cause = '', remedy] of text.matchAll(
    /^\| (`[^|]*`) \| (.*?)(?: \| (.*))? \|$/gm,
  )) {
    for (const [, name = ''] of names.matchAll(/`([^`]+)`/g))
      if (remedy === undefined) words.set(name, cause);
      else common.set(name, [cause, remedy]);
  }
  return { common, words };
}

/** @param {Record<string, string>} codes @returns {Map<string, Texts>} */
function textsInSources(codes) {
  const found = /** @type {Map<string, Texts>} */ (new Map());
  for (const directory of ['src', 'cli'])
    for (const name of readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' }).sort())
      if (name.endsWith('.ts') && !name.endsWith('.test.ts'))
        collect(join(ROOT, directory, name), codes, found);
  return found;
}

/** @param {string} path @param {Record<string, string>} codes @param {Map<string, Texts>} found */
function collect(path, codes, found) {
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  /** @param {ts.Node} node */
  const walk = node => {
    if (ts.isStringLiteral(node) && Object.hasOwn(codes, node.text)) {
      const texts = found.get(node.text) ?? { messages: new Set(), hints: new Set() };
      found.set(node.text, texts);
      takeTexts(node, texts);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
}

/** The texts beside a code: other arguments of its call, and members of its object. @param {ts.Node} code @param {Texts} texts */
function takeTexts(code, { messages, hints }) {
  const { parent } = code;
  if (ts.isCallExpression(parent)) {
    for (const argument of parent.arguments) {
      if (argument === code) continue;
      if (ts.isObjectLiteralExpression(argument)) takeMember(argument, 'hint', hints);
      else addText(argument, messages);
    }
  }
  if (ts.isPropertyAssignment(parent) && ts.isObjectLiteralExpression(parent.parent)) {
    takeMember(parent.parent, 'message', messages);
    takeMember(parent.parent, 'hint', hints);
  }
}

/** @param {ts.ObjectLiteralExpression} object @param {string} name @param {Set<string>} into */
function takeMember(object, name, into) {
  for (const member of object.properties)
    if (ts.isPropertyAssignment(member) && member.name.getText() === name) addText(member.initializer, into);
    else if (ts.isShorthandPropertyAssignment(member) && member.name.text === name)
      addText(member.name, into);
}

/** A text; of a name, the text that is declared under it in the same function. @param {ts.Expression} node @param {Set<string>} into */
function addText(node, into) {
  if (ts.isIdentifier(node)) {
    const declared = declarationOf(node);
    if (declared !== undefined) addText(declared, into);
    return;
  }
  if (ts.isConditionalExpression(node)) {
    addText(node.whenTrue, into);
    addText(node.whenFalse, into);
    return;
  }
  const text = textOf(node);
  if (text !== undefined && /[a-z]{2} |[a-z]{4}/.test(text)) into.add(text);
}

/** @param {ts.Identifier} name @returns {ts.Expression | undefined} */
function declarationOf(name) {
  for (let scope = name.parent; scope !== undefined; scope = scope.parent) {
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find(one => one.name.getText() === name.text);
      if (found?.initializer !== undefined && found.initializer !== name.parent) return found.initializer;
    }
  }
  return undefined;
}

/** @param {ts.Expression} node @returns {string | undefined} */
function textOf(node) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined || right === undefined ? undefined : left + right;
  }
  return undefined;
}
