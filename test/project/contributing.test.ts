/** CONTRIBUTING.md and docs/testing.md name files and commands that exist; recipes for commands hold for each of them. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { NEEDS } from '../vm/guest/newer.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Paths in backticks and in commands, but for those with a placeholder in capitals. */
function pathsIn(text: string): string[] {
  const found = [
    ...text
      .replace(/<!--.*?-->/gs, '')
      .matchAll(/(?<![\w/.@-])(?:src|cli|test|scripts|examples|docs|bench|bin|\.ci)\/[\w./*-]*/g),
  ];
  return found
    .map(([name]) => name.replace(/[.,]$/, ''))
    .filter(name => !/[A-Z*]/.test(name.replace(/[A-Z]+\.md$/, '')));
}

function scriptsIn(text: string): string[] {
  return [
    ...text.matchAll(/npm (?:run (?:--silent )?)?((?:test|demo|check|build|index|docs|bench)[a-z:]*)/g),
  ].map(match => match[1] ?? '');
}

describe.each(['CONTRIBUTING.md', 'docs/testing.md', '.ci/run'])('%s', file => {
  const text = read(file);

  test('names paths that exist', () => {
    const named = pathsIn(text);
    expect(named.length).toBeGreaterThan(file === '.ci/run' ? 3 : 10);
    expect(named.filter(name => !existsSync(path.join(ROOT, name)))).toEqual([]);
  });

  test('names scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json'));
    expect(scriptsIn(text).filter(name => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

test('paths that do not exist are found', () => {
  expect(pathsIn('`src/none.ts`, `src/link/NAME.ts`, see [docs](docs/x.md) and docs/README.md.')).toEqual([
    'src/none.ts',
    'docs/x.md',
    'docs/README.md',
  ]);
});

describe('every command', () => {
  const commands = readdirSync(path.join(ROOT, 'cli/commands'))
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map(name => name.slice(0, -'.ts'.length));

  test('has a row in cli/main.ts', () => {
    const rows = [...read('cli/main.ts').matchAll(/^ {2}(\w+): async \(\) => .*'\.\/commands\/(\w+)\.ts'/gm)];
    expect(rows.filter(([, name, file]) => name !== file)).toEqual([]);
    expect(rows.map(([, name]) => name).sort()).toEqual(commands.sort());
  });

  test.for(commands)('%s is in README.md and in docs/', command => {
    const pages = readdirSync(path.join(ROOT, 'docs'))
      .filter(name => name.endsWith('.md'))
      .map(name => read(`docs/${name}`));
    const isNamed = (text: string): boolean => new RegExp(`(rootlet |\`)${command}\\b`).test(text);
    expect(isNamed(read('README.md'))).toBe(true);
    expect(pages.some(isNamed)).toBe(true);
  });
});

describe('tests of other kernels', () => {
  test('that need a newer kernel name files that exist', () => {
    const lost = NEEDS.filter(([file]) => !existsSync(path.join(ROOT, file)));
    expect(lost).toEqual([]);
  });

  test('find files beside them', () => {
    const directory = path.join(ROOT, 'test/vm');
    const lost = readdirSync(directory)
      .filter(name => name.endsWith('.vm.ts'))
      .flatMap(name =>
        [...read(`test/vm/${name}`).matchAll(/new URL\('([^'$]+)', import\.meta\.url\)/g)].map(
          ([, target = '']) => path.join(directory, target),
        ),
      )
      .filter(target => !existsSync(target));
    expect(lost).toEqual([]);
  });
});
