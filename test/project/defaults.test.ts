/**
 * Silent defaults: `?? 0`, `?? -1`, `?? ''`, `?? []` and `?? NO_…` belong where the default is the meaning (an option
 * that was not given, a name that was never counted). After an index or a name that has to be there, such a default
 * turns a broken invariant into type 0, symbol -1 or the file ''; `elementAt`, `valueAt` and the accessors of models
 * report it. The table below may only shrink.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What may be in a directory: defaults of all kinds, and properties left out by `x === undefined ? {} : { x }`. */
interface Allowed {
  readonly defaults: number;
  readonly spreads: number;
}

const ALLOWED: ReadonlyMap<string, Allowed> = new Map([
  ['src/btf', { defaults: 201, spreads: 0 }],
  ['src/chain', { defaults: 18, spreads: 0 }],
  ['src/core', { defaults: 1, spreads: 0 }],
  ['src/diag', { defaults: 4, spreads: 1 }],
  ['src/dynamic', { defaults: 51, spreads: 2 }],
  ['src/elf', { defaults: 6, spreads: 0 }],
  ['src/hooks', { defaults: 9, spreads: 1 }],
  ['src/kernel', { defaults: 52, spreads: 0 }],
  ['src/link', { defaults: 63, spreads: 1 }],
  ['src/load', { defaults: 21, spreads: 0 }],
  ['src/object', { defaults: 39, spreads: 0 }],
  ['src/state', { defaults: 10, spreads: 0 }],
  ['src/store', { defaults: 5, spreads: 0 }],
  ['src/vm', { defaults: 12, spreads: 0 }],
  ['cli', { defaults: 55, spreads: 1 }],
]);

const DEFAULT = /^(0n?|-1n?|''|\[\]|NO_\w+)$/;

function isDefault(node: ts.Node): boolean {
  return (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken &&
    DEFAULT.test(node.right.getText())
  );
}

/** `x === undefined ? {} : { x }`, which `given({ x })` says. */
function isSpread(node: ts.Node): boolean {
  return (
    ts.isConditionalExpression(node) &&
    node.condition.getText().endsWith(' === undefined') &&
    node.whenTrue.getText() === '{}'
  );
}

function count(text: string): Allowed {
  const source = ts.createSourceFile('code.ts', text, ts.ScriptTarget.ES2022, true);
  const stack: ts.Node[] = [source];
  let [defaults, spreads] = [0, 0];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (isDefault(node)) defaults++;
    if (isSpread(node)) spreads++;
    ts.forEachChild(node, child => {
      stack.push(child);
    });
  }
  return { defaults, spreads };
}

/** Code that is shipped in a directory, as one text for each file. */
function textsOf(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !/\.test\.ts$|(^|[\\/])testing\.ts$/.test(name))
    .map(name => readFileSync(path.join(ROOT, directory, name), 'utf8'));
}

const directories = [...readdirSync(path.join(ROOT, 'src')).map(name => `src/${name}`), 'cli'];

describe('silent defaults', () => {
  test.each(directories)('%s has no more of them', directory => {
    const allowed = ALLOWED.get(directory) ?? { defaults: 0, spreads: 0 };
    const counts = textsOf(directory).map(count);
    const sum = (key: keyof Allowed) => counts.reduce((total, one) => total + one[key], 0);
    expect(sum('defaults'), 'use elementAt, valueAt or an accessor').toBeLessThanOrEqual(allowed.defaults);
    expect(sum('spreads'), 'use given').toBeLessThanOrEqual(allowed.spreads);
  });

  test('are found', () => {
    expect(count("a[i] ?? 0; b.get(k) ?? ''; c?.d ?? (-1); e ?? []; f ?? NO_F; g ?? h; i ?? 1")).toEqual({
      defaults: 4,
      spreads: 0,
    });
    expect(count('({ ...(x === undefined ? {} : { x }), ...(y === null ? {} : { y }) })')).toEqual({
      defaults: 0,
      spreads: 1,
    });
  });
});
