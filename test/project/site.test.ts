/** What the site is made of: pages that it includes, what is generated, and the check of its links. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markdownPages } from '../../cli/help/markdown.ts';
import { loadCatalog } from '../../cli/main.ts';
import { PROBLEM_CODES } from '../../src/diag/codes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');

/** A module of `site/`, which is JavaScript. */
async function siteModule<Exports>(name: string): Promise<Exports> {
  return (await import(pathToFileURL(path.join(ROOT, 'site', name)).href)) as Exports;
}

describe('pages of commands', () => {
  let pages: ReadonlyMap<string, string>;
  beforeAll(async () => {
    pages = new Map(markdownPages(await loadCatalog()).map(({ file, text }) => [file, text]));
  });

  test('there is one for each command, and one that lists them', () => {
    expect(pages.size).toBeGreaterThan(40);
    for (const name of ['index', 'link', 'xdp', 'xdp-load', 'map-get'])
      expect([...pages.keys()]).toContain(`${name}.md`);
  });

  test('have usage, examples, options by section, and exit codes', () => {
    const link = pages.get('link.md') ?? '';
    expect(link).toContain('```text\nrootlet link [OPTION]... IN...\n```');
    expect(link).toContain(
      '# Resolve externs of each file in the other\nrootlet link first.o second.o -o all.o',
    );
    expect(link).toContain('### Libraries');
    expect(link).toMatch(/^\| `-o, --output OUT` \| .+ \|$/m);
    expect(link).toMatch(/^\| 70 \| Internal error\. \|$/m);
    expect(link).toContain('- [docs/linking.md](../docs/linking.md)');
  });

  test('refer only to pages that exist', () => {
    for (const [file, text] of pages)
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)\)/g))
        expect([file, target, target.startsWith('../') || pages.has(target)]).toEqual([file, target, true]);
  });
});

test('the index of errors has every code, with its class and a remedy', async () => {
  const { errorIndex } = await siteModule<{ errorIndex(): Promise<string> }>('build/error-index.js');
  const entries = new Map(
    (await errorIndex()).split(/^### /m).map(entry => [entry.slice(0, entry.indexOf(' ')), entry]),
  );
  for (const [code, kind] of Object.entries(PROBLEM_CODES)) {
    const entry = entries.get(code) ?? '';
    expect(entry, code).toContain(`Class \`${kind}\``);
    expect(entry, code).toMatch(/\*\*(Remedy|Hint)/);
    expect(entry, code).toMatch(/\*\*(Cause|Message|Remedy)/);
  }
  expect(entries.get('link-duplicate')).toContain('… is defined more than once');
}, 60_000);

describe('own pages', () => {
  const pages = readdirSync(path.join(ROOT, 'site/pages'), { recursive: true, encoding: 'utf8' }).filter(
    name => name.endsWith('.md'),
  );

  test('contain only drawings that there are', async () => {
    const { drawingNamed } = await siteModule<{ drawingNamed(name: string, title: string): string }>(
      'drawings/drawings.js',
    );
    const named = pages.flatMap(page => [...read(`site/pages/${page}`).matchAll(/\(drawing:([\w-]+)\)/g)]);
    expect(named.length).toBeGreaterThan(8);
    for (const [, name = ''] of named) expect(drawingNamed(name, 'a < b')).toContain('aria-label="a &lt; b"');
  });

  test('and all of docs/ are in the menu', () => {
    const menu = read('site/.vitepress/config.js');
    const docs = readdirSync(path.join(ROOT, 'docs')).filter(name => name.endsWith('.md'));
    const listed = [...pages.filter(page => page !== 'index.md'), ...docs.map(name => `docs/${name}`)];
    const links = listed.map(page => `'/${page.replaceAll('\\', '/').replace(/(index)?\.md$/, '')}'`);
    expect(links.filter(link => !menu.includes(link))).toEqual([]);
  });
});

describe('the check of links', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-links-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  test('finds files and headings that are not there, and nothing else', async () => {
    const { brokenLinks } = await siteModule<{ brokenLinks(directory: string): string[] }>('build/links.js');
    mkdirSync(path.join(directory, 'a'));
    writeFileSync(
      path.join(directory, 'index.html'),
      '<h1 id="top">x</h1><a href="/a/#two">a</a><a href="#top">b</a>',
    );
    const links = [
      '../index.html#top',
      '#two',
      'https://example.org/',
      '../no.html',
      '#no',
      '/index.html#no',
    ];
    const text = links.map(link => `<a href="${link}">x</a>`).join('');
    writeFileSync(path.join(directory, 'a/index.html'), `<h2 id="two">y</h2>${text}`);
    expect(brokenLinks(directory)).toEqual([
      'a/index.html: ../no.html: there is no such file',
      'a/index.html: #no: there is no such heading',
      'a/index.html: /index.html#no: there is no such heading',
    ]);
  });
});
