/** Links and anchors of the finished pages: what refers to a page, a file or a heading that is not there. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * A line for each link that leads nowhere.
 *
 * @param {string} directory The finished site.
 * @param {string} [base] The path that it is served under.
 */
export function brokenLinks(directory, base = '/') {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => name.endsWith('.html'));
  const pages = new Map(names.map(name => [name, pageOf(readFileSync(join(directory, name), 'utf8'))]));
  return [...pages].flatMap(([name, { links }]) =>
    links.flatMap(link => {
      const problem = problemOf(link, name, { directory, base, pages });
      return problem === null ? [] : [`${name}: ${link}: ${problem}`];
    }),
  );
}

/** @typedef {{ links: string[], ids: ReadonlySet<string> }} Page */

/** @param {string} html @returns {Page} */
function pageOf(html) {
  const text = html.replace(/<script[\s\S]*?<\/script>/g, '');
  const values = (/** @type {RegExp} */ pattern) =>
    [...text.matchAll(pattern)].map(([, value = '']) => plain(value));
  return {
    links: [...new Set(values(/\s(?:href|src)="([^"]*)"/g))],
    ids: new Set(values(/\sid="([^"]*)"/g)),
  };
}

/** @param {string} value */
function plain(value) {
  return value.replaceAll('&amp;', '&').replaceAll('&quot;', '"');
}

/**
 * @param {string} link
 * @param {string} page
 * @param {{ directory: string, base: string, pages: ReadonlyMap<string, Page> }} site
 */
function problemOf(link, page, { directory, base, pages }) {
  if (/^(https?|data|mailto):/.test(link)) return null;
  const [path = '', anchor = ''] = link.split('#');
  const target = path === '' ? page : targetOf(path, page, base);
  if (target === null) return 'is outside of the site';
  const file =
    existsSync(join(directory, target)) && statSync(join(directory, target)).isDirectory()
      ? `${target}/index.html`
      : target;
  if (!existsSync(join(directory, file))) return 'there is no such file';
  const found = pages.get(posix.normalize(file));
  return anchor === '' || found === undefined || found.ids.has(decodeURIComponent(anchor))
    ? null
    : 'there is no such heading';
}

/** @param {string} path @param {string} page @param {string} base */
function targetOf(path, page, base) {
  const decoded = decodeURIComponent(path.split('?')[0] ?? '');
  if (decoded.startsWith('/')) return decoded.startsWith(base) ? decoded.slice(base.length) : null;
  return posix.normalize(posix.join(posix.dirname(page), decoded));
}
