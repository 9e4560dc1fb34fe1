/** The reference of the library: a page for each entry point, made by TypeDoc of the types and comments. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Application } from 'typedoc';
import { ROOT } from './paths.js';

/** @returns {Promise<Record<string, string>>} */
export async function apiPages() {
  const out = mkdtempSync(join(tmpdir(), 'rootlet-api-'));
  try {
    await generate(out);
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.md'),
    );
    const places = new Map(
      names.map(name => [name.replaceAll('\\', '/'), placeOf(name.replaceAll('\\', '/'))]),
    );
    const texts = new Map([...places].map(([name]) => [name, readFileSync(join(out, name), 'utf8')]));
    return Object.fromEntries([...places].map(([name, place]) => [place, pageText(name, texts, places)]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @param {string} out */
async function generate(out) {
  const options = {
    options: join(ROOT, 'typedoc.json'),
    tsconfig: join(ROOT, 'tsconfig.build.json'),
    plugin: ['typedoc-plugin-markdown'],
    router: 'module',
    readme: 'none',
    skipErrorChecking: true, // types are checked elsewhere
    logLevel: 'Warn',
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    expandObjects: false,
    parametersFormat: 'table',
    enumMembersFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    interfacePropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    formatWithPrettier: false,
    sanitizeComments: true,
    useHTMLEncodedBrackets: true,
  };
  const app = await Application.bootstrapWithPlugins(/** @type {any} */ (options));
  const project = await app.convert();
  if (project === undefined) throw new Error('the types of the library cannot be converted');
  await app.outputs.writeOutput({ name: 'markdown', path: out }, project);
}

/** `rootlet/link-1.md` → `api/link.md`, `rootlet/elf/namespaces/constants.md` → `api/elf-constants.md`. @param {string} name */
function placeOf(name) {
  const words = name.replace(/\.md$/, '').split('/');
  const plain = words.filter((word, at) => word !== 'namespaces' && !(at > 0 && word === 'index'));
  const own = plain.length > 1 ? plain.slice(1) : plain;
  return `api/${own.join('-').replace(/-1$/, '')}.md`;
}

/**
 * A page in its place, with links to the places of others. Search finds guides, not every member of every type.
 *
 * @param {string} name @param {ReadonlyMap<string, string>} texts @param {ReadonlyMap<string, string>} places
 */
function pageText(name, texts, places) {
  const text = texts.get(name) ?? '';
  const linked = text.replace(/\]\(([^)\s#:]+\.md)?(#[^)\s]*)?\)/g, (whole, target, hash = '') => {
    if (target === undefined && hash === '') return whole;
    const source = target === undefined ? name : posix.normalize(posix.join(posix.dirname(name), target));
    const place = places.get(source);
    if (place === undefined) throw new Error(`${name}: there is no page ${target}`);
    const anchor = anchorIn(texts.get(source) ?? '', hash);
    return `](${target === undefined ? '' : posix.basename(place)}${anchor})`;
  });
  return `---\nsearch: false\noutline: [2, 3]\n---\n\n${linked}`;
}

/** A number after an anchor is for headings of one name; not every such name has a heading. @param {string} text @param {string} hash */
function anchorIn(text, hash) {
  const [, base = ''] = /^#(.+)-\d+$/.exec(hash) ?? [];
  if (base === '') return hash;
  const headings = text.match(/^#{1,6} .*$/gm) ?? [];
  const same = headings.filter(
    line => line.toLowerCase().replace(/[^a-z0-9]/g, '') === base.replace(/[^a-z0-9]/g, ''),
  );
  return same.length > 1 ? hash : `#${base}`;
}
