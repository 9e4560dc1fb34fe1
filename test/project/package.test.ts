/** What is published: the files, the licenses of others, exact versions, and no scripts that have to run. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const {
  packagesOf,
  thirdPartyText,
}: {
  packagesOf(files: Iterable<string>): string[];
  thirdPartyText(root: string, names: readonly string[]): string;
} = await import(pathToFileURL(path.join(ROOT, 'scripts/licenses.js')).href);
const PACKAGE = JSON.parse(read('package.json'));

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}
const LOCKED = Object.entries<Locked>(JSON.parse(read('package-lock.json')).packages).filter(
  ([name]) => name !== '',
);

/** Licenses that ask for no more than their text and a notice. */
const PERMISSIVE = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'];

describe('packages of others', () => {
  test('are few, and exact versions', () => {
    const { dependencies, optionalDependencies, devDependencies } = PACKAGE;
    expect(Object.keys(dependencies)).toEqual(['koffi']);
    expect(Object.keys(optionalDependencies)).toEqual(['@viz-js/viz']);
    const versions = Object.values<string>({ ...dependencies, ...optionalDependencies, ...devDependencies });
    expect(versions.filter(version => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('have permissive licenses where they are installed with the package', () => {
    const shipped = LOCKED.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);
    expect(shipped.length).toBeGreaterThan(0);
    expect(shipped.filter(([, { license = '' }]) => !PERMISSIVE.includes(license))).toEqual([]);
  });

  test('are found by their files', () => {
    const files = [
      '../x/node_modules/yaml/dist/a.js',
      'node_modules/@stricli/core/b.js',
      'src/c.ts',
      'node_modules/yaml/d.js',
    ];
    expect(packagesOf(files)).toEqual(['@stricli/core', 'yaml']);
  });

  test('have their license in full, that of the package or the standard one', () => {
    const text = thirdPartyText(ROOT, ['@stricli/core', 'yaml']);
    expect(text).toMatch(/^@stricli\/core \d+\.\d+\.\d+\nlicense: Apache-2\.0\n/m);
    expect(text).toContain('TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION');
    expect(text).toMatch(/^yaml \d+\.\d+\.\d+\nlicense: ISC\n/m);
    expect(text).toContain('Permission to use, copy, modify, and/or distribute this software');
    expect(() => thirdPartyText(ROOT, ['none'])).toThrow();
  });
});

describe('the package', () => {
  let files: readonly string[] = [];
  let unpackedSize = 0;
  beforeAll(() => {
    const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = spawnSync('npm', words, { cwd: ROOT, encoding: 'utf8' });
    const [{ files: found = [], unpackedSize: size = 0 } = {}]: {
      files?: { path: string }[];
      unpackedSize?: number;
    }[] = JSON.parse(stdout);
    files = found.map(file => file.path);
    unpackedSize = size;
  }, 120_000);

  test('has what the command, the library and their licenses need', () => {
    const named = Object.values<string | Record<string, string>>(PACKAGE.exports).flatMap(entry =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    const wanted = [...named.map(name => name.slice(2)), PACKAGE.bin.rootlet, 'dist/command/rootlet.cjs'];
    const texts = ['LICENSE', 'README.md', 'SECURITY.md', 'CHANGELOG.md', 'dist/THIRD-PARTY.txt'];
    expect(existsSync(path.join(ROOT, 'dist/command/rootlet.cjs')), 'npm run build').toBe(true);
    expect([...wanted, ...texts].filter(name => !files.includes(name))).toEqual([]);
  });

  test('has no tests, no sources, no caches and nothing of the build', () => {
    const strange =
      /\.test\.|(^|\/)testing\.(js|ts|d\.ts)|(^|\/)test\/|^src\/|^cli\/|^scripts\/|\.tsbuildinfo$|\.cache|testdata/;
    expect(files.filter(name => strange.test(name))).toEqual([]);
    const top = new Set(files.map(name => name.split('/')[0]));
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'];
    expect([...top].sort()).toEqual([...texts, 'bin', 'dist', 'docs', 'examples', 'share'].sort());
  });

  test('is small: at most 7.5 MB in 250 files', () => {
    expect(unpackedSize).toBeLessThan(7_500_000);
    expect(files.length).toBeLessThan(250);
  });

  test('has no link to what it has not', () => {
    const dead = files
      .filter(name => name.endsWith('.md'))
      .flatMap(name =>
        [...read(name).matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].flatMap(([, target = '']) => {
          const full = path.normalize(path.join(path.dirname(name), target));
          const isThere = files.some(file => file === full || file.startsWith(full.replace(/\/?$/, '/')));
          return isThere ? [] : [`${name}: ${target}`];
        }),
      );
    expect(dead).toEqual([]);
  });

  test('has no packages at run time that nothing imports', () => {
    const text = files
      .filter(name => /^dist\/.*\.c?js$/.test(name))
      .map(read)
      .join('\n');
    for (const name of Object.keys(PACKAGE.dependencies)) expect(text).toMatch(new RegExp(`["']${name}["']`));
  });

  test('has a manual page of each command', () => {
    expect(PACKAGE.directories.man).toBe('dist/man');
    expect(files).toContain('dist/man/rootlet-xdp-load.1');
  });

  test('needs no script of its own to be installed; from git it is built', () => {
    const own = Object.keys(PACKAGE.scripts);
    expect(own.filter(name => /^(pre|post)?install$/.test(name))).toEqual([]);
    expect(PACKAGE.scripts.prepare).toBe('node scripts/setup.js --build');
  });

  test('has a license for what is compiled in', () => {
    const text = read('dist/THIRD-PARTY.txt');
    const named = [...text.matchAll(/^(\S+) \d+\.\d+\.\d+\nlicense: /gm)].map(match => match[1]);
    expect(named).toEqual(['@stricli/core', 'yaml']);
  });
});
