/** docs/errors.md and the codes of problems in the sources. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../src/diag/problem.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENT = readFileSync(path.join(ROOT, 'docs/errors.md'), 'utf8');

/** Functions that take a code as an argument, by name: `inputError`, `typeError`, `this.#error`, `problem`, … */
const MAKERS =
  /(^|[.#])(\w*[eE]rror|problem|refuse|refusal|unresolved|fail|describeMismatch|emitWordsFault)$/;
const CODE = /^[a-z]+(-[a-z0-9]+)+$/;

/** Every code in the sources, with the file that it was found in. */
function codesInSources(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const folder of ['src', 'cli'])
    for (const name of readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).sort())
      if (name.endsWith('.ts') && !name.endsWith('.test.ts')) collect(path.join(folder, name), codes);
  return codes;
}

function collect(file: string, codes: Map<string, string>): void {
  const source = ts.createSourceFile(
    file,
    readFileSync(path.join(ROOT, file), 'utf8'),
    ts.ScriptTarget.ES2022,
    true,
  );
  const stack: ts.Node[] = [source];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isStringLiteral(node) && CODE.test(node.text) && isCode(node)) codes.set(node.text, file);
    ts.forEachChild(node, child => {
      stack.push(child);
    });
  }
}

/** `code: 'x-y'`, `const code = … ? 'x-y' : …`, or an argument of a function that makes problems. */
function isCode(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isConditionalExpression(parent)) return isCode(parent);
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent))
    return parent.name.getText() === 'code';
  return ts.isCallExpression(parent) && MAKERS.test(parent.expression.getText());
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

describe('docs/errors.md', () => {
  const codes = codesInSources();

  test('finds the codes at all', () => {
    expect(codes.size).toBeGreaterThan(150);
    expect(codes.has('link-duplicate') && codes.has('btf-kind') && codes.has('elf-no-symtab')).toBe(true);
  });

  test('explains only codes that exist', () => {
    expect(firstColumn('Common codes').filter(code => !codes.has(code) && !inSources(code))).toEqual([]);
  });

  test('names the first word of every code', () => {
    const words = new Set(firstColumn('First words'));
    const unknown = [...codes].filter(([code]) => !words.has(code.split('-')[0] ?? ''));
    expect(unknown).toEqual([]);
  });

  test('has the exit codes', () => {
    expect(firstColumn('Exit codes').map(Number)).toEqual(Object.values(EXIT));
  });
});

/** Codes that are chosen by an expression are no arguments themselves. */
function inSources(code: string): boolean {
  return (
    code.startsWith('elf-not-') &&
    readFileSync(path.join(ROOT, 'src/elf/header.ts'), 'utf8').includes(`'${code}'`)
  );
}
