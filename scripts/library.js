/**
 * Makes the library that is published: an ES module and a file of types for each entry of the package, and what they share
 * in others. `dist/src` has a thousand of each, which take long to install and to open. Identifiers stay: stack traces and
 * `console.log` show them, and the way to keep names only would keep unused code in bundles of browsers.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const library = join(root, 'dist', 'lib');

/** What the entries of the package are made of: name of the file in `dist/lib` → module in `dist`. */
function entries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap(entry => {
    if (typeof entry === 'string') return [];
    const [, name = ''] = /^\.\/dist\/lib\/(\w+)\.js$/.exec(entry.default) ?? [];
    if (name === '') throw new Error(`package.json: ${entry.default} is not in dist/lib`);
    return [name];
  });
}

/** @param {string} name */
function moduleOf(name) {
  return join(root, 'dist', 'src', ...(name === 'uapi' ? ['uapi', 'index'] : ['api', name]));
}

/** @param {string} suffix @returns {Record<string, string>} */
function modules(suffix) {
  return Object.fromEntries(entries().map(name => [name, `${moduleOf(name)}${suffix}`]));
}

/** Packages that are imported, not compiled in. */
const PACKAGES = ['koffi'];

/** Returns the files that were compiled in. */
export async function bundleLibrary() {
  mkdirSync(library);
  await bundleTypes();
  const { metafile } = await build({
    entryPoints: modules('.js'),
    outdir: library,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: PACKAGES,
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160, // what Node shows of the place of an error
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

async function bundleTypes() {
  const bundle = await rollup({
    input: modules('.d.ts'),
    plugins: [dts()],
    external: [/^node:/, ...PACKAGES],
    onwarn(warning) {
      throw new Error(`types of the library: ${warning.message}`);
    },
  });
  const { output } = await bundle.generate({
    format: 'es',
    entryFileNames: '[name].d.ts',
    chunkFileNames: 'shared-[hash].d.ts',
  });
  for (const file of output)
    if (file.type === 'chunk') writeFileSync(join(library, file.fileName), file.code);
  await bundle.close();
}
