/** docs/errors.md and the codes of problems in the sources. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { isProblemCode, PROBLEM_CODES } from '../../src/diag/codes.ts';
import { EXIT } from '../../src/diag/problem.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = readFileSync(path.join(ROOT, 'docs/errors.md'), 'utf8');

const CLASSES = new Set<string>(Object.values(PROBLEM_CODES));
const CODE = /^[a-z]+(-[a-z0-9]+)+$/;
const FIRST_WORDS = new Set(Object.keys(PROBLEM_CODES).map(firstWord));
/** Functions that take a code as an argument, by name: `inputError`, `typeError`, `this.#error`, `problem`, … */
const MAKERS =
  /(^|[.#])(\w*[eE]rror|\w*[pP]roblem|recoded|refuse|refusal|unresolved|fail|describeMismatch|emitWordsFault)$/;

function firstWord(code: string): string {
  return code.split('-')[0] ?? '';
}

interface Use {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Whether the text is only compared with the code of a problem. */
  readonly compared: boolean;
}

interface Uses {
  /** All texts in places of codes. */
  readonly codes: Use[];
  /** Words in backticks with the form and the first word of a code: in comments, mostly. */
  readonly quoted: Use[];
  /** Object literals that the constructors of problems should make. */
  readonly handMade: Use[];
}

function usesInSources(): Uses {
  const uses: Uses = { codes: [], quoted: [], handMade: [] };
  for (const directory of ['src', 'cli'])
    for (const name of readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' }).sort())
      if (
        name.endsWith('.ts') &&
        !name.endsWith('.test.ts') &&
        !path.join(directory, name).startsWith('src/diag/')
      )
        collect(path.join(directory, name), uses);
  return uses;
}

function collect(file: string, uses: Uses): void {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const use = (node: ts.Node, what: string): Use => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    return { file, line, text: what, compared: ts.isBinaryExpression(node.parent) };
  };
  for (const [, word = ''] of text.matchAll(/`([a-z]+(?:-[a-z0-9]+)+)`/g))
    if (FIRST_WORDS.has(firstWord(word))) uses.quoted.push({ file, line: 0, text: word, compared: false });
  const stack: ts.Node[] = [source];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isStringLiteral(node) && CODE.test(node.text) && isCode(node))
      uses.codes.push(use(node, node.text));
    if (ts.isObjectLiteralExpression(node) && isHandMade(node)) uses.handMade.push(use(node, node.getText()));
    ts.forEachChild(node, child => {
      stack.push(child);
    });
  }
}

/** `code: 'x-y'`, `code === 'x-y'`, `const code = … ? 'x-y' : …`, or an argument of a function that makes problems. */
function isCode(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isConditionalExpression(parent) || ts.isAsExpression(parent) || ts.isParenthesizedExpression(parent))
    return isCode(parent);
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent))
    return parent.name.getText() === 'code';
  if (ts.isBinaryExpression(parent)) return /(^|\.)code$/.test(parent.left.getText());
  return ts.isCallExpression(parent) && MAKERS.test(parent.expression.getText());
}

/** A class next to a code, a class of the table, or a code put over that of another problem: both belong to the table. */
function isHandMade(node: ts.ObjectLiteralExpression): boolean {
  const names = new Set(node.properties.map(property => property.name?.getText()));
  if (names.has('code') && names.has('class')) return true;
  const hasSpread = node.properties.some(ts.isSpreadAssignment);
  return node.properties.some(property => {
    if (!ts.isPropertyAssignment(property) || !ts.isStringLiteral(property.initializer)) return false;
    const name = property.name.getText();
    const { text } = property.initializer;
    return (name === 'class' && CLASSES.has(text)) || (name === 'code' && hasSpread && isProblemCode(text));
  });
}

/** First column of the table under a heading, words in backticks. */
function firstColumn(heading: string): string[] {
  const start = DOCUMENT.indexOf(`## ${heading}\n`);
  const end = DOCUMENT.indexOf('\n## ', start + 1);
  const lines = DOCUMENT.slice(start, end < 0 ? undefined : end).split('\n');
  return lines
    .filter(line => line.startsWith('| `') || /^\| \d/.test(line))
    .flatMap(line =>
      (line.split('|')[1] ?? '')
        .replaceAll('`', '')
        .split(',')
        .map(word => word.trim()),
    );
}

describe('the table of codes', () => {
  const { codes, quoted, handMade } = usesInSources();
  const made = new Set(codes.filter(({ compared }) => !compared).map(({ text }) => text));
  const isUnknown = ({ text }: Use): boolean => !isProblemCode(text);

  test('contains every code of the sources', () => {
    expect(codes.length).toBeGreaterThan(500);
    expect(codes.filter(isUnknown)).toEqual([]);
  });

  test('contains every code that comments name', () => {
    expect(quoted.length).toBeGreaterThan(100);
    expect(quoted.filter(isUnknown)).toEqual([]);
  });

  test('contains only codes that the sources give to problems', () => {
    const ofDiag = ['bug-invariant', 'bug-empty-error', 'usage-limits'];
    const unused = Object.keys(PROBLEM_CODES).filter(code => !made.has(code) && !ofDiag.includes(code));
    expect(unused).toEqual([]);
  });

  test('alone says which class a code has', () => {
    expect(handMade).toEqual([]);
  });

  test('is in order: by first word, then by name', () => {
    for (const word of FIRST_WORDS) {
      const own = Object.keys(PROBLEM_CODES).filter(code => firstWord(code) === word);
      expect(own).toEqual([...own].sort());
    }
  });
});

/** All text of tests: TypeScript, and the directives in C files. */
function textOfTests(): string {
  const own = path.relative(ROOT, fileURLToPath(import.meta.url));
  return ['src', 'cli', 'test']
    .flatMap(directory =>
      readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' }).map(name =>
        path.join(directory, name),
      ),
    )
    .filter(name => /\.test\.ts$|^test\/.*\.(ts|c)$/.test(name) && name !== own)
    .map(name => readFileSync(path.join(ROOT, name), 'utf8'))
    .join('\n');
}

test('every code is named in a test', () => {
  const named = new Set(textOfTests().match(/[a-z]+(?:-[a-z0-9]+)+/g));
  const missing = Object.keys(PROBLEM_CODES).filter(code => !named.has(code));
  expect(missing).toEqual([]);
});

describe('docs/errors.md', () => {
  test('explains only codes that exist', () => {
    expect(firstColumn('Common codes').filter(code => !isProblemCode(code))).toEqual([]);
  });

  test('names the first word of every code, and no other', () => {
    expect(firstColumn('First words').sort()).toEqual([...FIRST_WORDS].sort());
  });

  test('has the exit codes', () => {
    expect(firstColumn('Exit codes').map(Number)).toEqual([...new Set(Object.values(EXIT))]);
  });

  test('has the classes', () => {
    const rows = DOCUMENT.split('\n').filter(line => /^\| \d/.test(line));
    const named = rows.flatMap(line => /^\| \d+ \| `(\w+)` \|/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...CLASSES].sort());
  });
});
