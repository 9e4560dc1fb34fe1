/**
 * Pages as the generator reads them, put together in one directory: those of `site/pages/` and `docs/`, and what is
 * generated from the tables of the command, of problem codes, and from the types of the library.
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { drawingNamed } from '../drawings/drawings.js';
import { apiPages } from './api.js';
import { errorIndex } from './error-index.js';
import { DIST, PAGES, ROOT, SITE } from './paths.js';

/** Page of the site → file of the project. */
const INCLUDED = {
  ...Object.fromEntries(
    readdirSync(join(ROOT, 'docs'))
      .filter(name => name.endsWith('.md'))
      .map(name => [`docs/${name}`, `docs/${name}`]),
  ),
  'examples/README.md': 'examples/README.md',
  'changelog.md': 'CHANGELOG.md',
};

/** Files that pages refer to. */
const FILES = ['docs/schema', 'share/systemd'];

/** Returns the names of the pages. */
export async function writePages() {
  rmSync(PAGES, { recursive: true, force: true });
  const pages = { ...ownPages(), ...includedPages(), ...(await commandPages()), ...(await apiPages()) };
  pages['reference/error-index.md'] = await errorIndex();
  for (const [name, text] of Object.entries(pages)) write(name, text);
  for (const path of FILES) cpSync(join(ROOT, path), join(PAGES, 'public', path), { recursive: true });
  cpSync(join(SITE, 'icon.svg'), join(PAGES, 'public', 'icon.svg'));
  return Object.keys(pages);
}

/** @param {string} name @param {string} text */
function write(name, text) {
  const path = join(PAGES, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** @returns {Record<string, string>} */
function ownPages() {
  const directory = join(SITE, 'pages');
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.md'),
  );
  return Object.fromEntries(
    names.map(name => [
      name.replaceAll('\\', '/'),
      withDrawings(readFileSync(join(directory, name), 'utf8')),
    ]),
  );
}

/** `![text](drawing:name)` is a drawing that has the colours of the page. @param {string} text */
function withDrawings(text) {
  return text.replace(/!\[([^\]]*)\]\(drawing:([\w-]+)\)/g, (_, title, name) => drawingNamed(name, title));
}

/** @returns {Record<string, string>} */
function includedPages() {
  return Object.fromEntries(
    Object.entries(INCLUDED).map(([page, file]) => [
      page,
      siteLinks(readFileSync(join(ROOT, file), 'utf8'), page, file),
    ]),
  );
}

/**
 * Links to files that are pages here, and plain words for those that are not part of the site.
 *
 * @param {string} text @param {string} page @param {string} file
 */
function siteLinks(text, page, file) {
  const pageOf = new Map(Object.entries(INCLUDED).map(([name, source]) => [source, name]));
  return text.replace(
    /\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)/g,
    (_, words, target, hash = '') => {
      const source = posix.normalize(posix.join(posix.dirname(file), target));
      const found = pageOf.get(source);
      if (found !== undefined) return `[${words}](${posix.relative(posix.dirname(page), found)}${hash})`;
      if (source === 'docs' || source === 'docs/') return words;
      return FILES.some(path => source.startsWith(`${path}/`))
        ? `[${words}](${posix.relative(posix.dirname(page), source)}){target="_self"}`
        : words;
    },
  );
}

/** @returns {Promise<Record<string, string>>} */
async function commandPages() {
  const { loadCatalog } = await import(pathToFileURL(join(DIST, 'cli/main.js')).href);
  const { markdownPages } = await import(pathToFileURL(join(DIST, 'cli/help/markdown.js')).href);
  /** @type {{ file: string, text: string }[]} */
  const pages = markdownPages(await loadCatalog());
  return Object.fromEntries(pages.map(({ file, text }) => [`commands/${file}`, text]));
}
