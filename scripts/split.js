/**
 * Divides modules into two scripts: the second is read when the first of its functions is called. Each module is in one
 * of them, so that there is one class of each name: the second takes what it needs of the first from there, and the first
 * calls functions of the second.
 */

import { relative, sep } from 'node:path';
import { calledModule, importedModule, partKeys, sharedModule, stubModule } from './parts.js';

/**
 * @typedef {object} Division
 * @property {string} dist The directory of the modules, for keys and relative paths.
 * @property {string} entry The module that the first script is made of.
 * @property {(file: string) => boolean} isSecond Whether a module is in the second script.
 * @property {(entry: import('esbuild').BuildOptions, parts: import('esbuild').Plugin) => Promise<string>} bundle
 */

/**
 * The texts of the two scripts.
 *
 * @param {Division} division
 */
export async function inTwoScripts({ dist, entry, isSecond, bundle }) {
  /** @param {string} contents */
  const entryOf = contents => ({ stdin: { contents, resolveDir: dist, sourcefile: 'entry.js' } });
  /** What the second script needs of the first; the first has more functions then, which may call further ones. */
  let shared = /** @type {string[]} */ ([]);
  for (;;) {
    const first = await bundle(entryOf(`${entry}\n${sharedModule(shared)}`), partOf(dist, 'first', isSecond));
    const called = entryOf(calledModule(partKeys(first)));
    const second = await bundle(called, partOf(dist, 'second', isSecond));
    const needed = partKeys(second);
    if (needed.every(key => shared.includes(key))) return { first, second };
    shared = [...new Set([...shared, ...needed])].sort();
  }
}

/**
 * Leaves out the modules of the other script.
 *
 * @param {string} dist
 * @param {'first' | 'second'} script
 * @param {Division['isSecond']} isSecond
 * @returns {import('esbuild').Plugin}
 */
function partOf(dist, script, isSecond) {
  /** @param {string} path */
  const inDist = path => relative(dist, path).replaceAll(sep, '/');
  const isOther = (/** @type {string} */ path) => {
    const file = inDist(path);
    if (!/^(src|cli)\//.test(file) || /(^|\/)index\.js$|\.kernel\.js$/.test(file)) return false;
    return isSecond(file) === (script === 'first');
  };
  return {
    name: 'parts',
    setup(build) {
      build.onLoad({ filter: /\.js$/ }, ({ path }) => {
        if (!isOther(path)) return undefined;
        const module = script === 'first' ? stubModule : importedModule;
        return { contents: module(dist, inDist(path)) };
      });
    },
  };
}
