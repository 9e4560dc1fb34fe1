/**
 * The playground: a page, and a worker in two scripts. The second has what a link and a run seldom need (explanations of
 * problems, the optimizer, edits of symbols); the worker reads it when the first of its functions is called.
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, transformSync } from 'esbuild';
import { isSeldom } from '../../scripts/parts.js';
import { inTwoScripts } from '../../scripts/split.js';
import { DIST, OUT, ROOT, SITE } from './paths.js';

/** The font of the generator's theme. */
const FONT = 'node_modules/vitepress/dist/client/theme-default/fonts/inter-roman-latin.woff2';

const SOURCE = join(SITE, 'playground');

/** Files of the core: what the page reads before a link and a run are done. */
export const CORE = ['index.html', 'style.css', 'page.js', 'worker.js'];

/** Objects and captures that the page offers. */
const EXAMPLES = ['rootlet', 'first_firewall', 'second_firewall', 'main_a', 'main_b', 'first', 'second'];

/** @type {import('esbuild').BuildOptions} */
const OPTIONS = {
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** @param {string} [out] Where it is put. */
export async function buildPlayground(out = join(OUT, 'playground')) {
  mkdirSync(join(out, 'examples'), { recursive: true });
  writeFileSync(join(out, 'page.js'), await bundled({ entryPoints: [join(SOURCE, 'page', 'page.ts')] }, []));
  const worker = await workerScripts();
  writeFileSync(join(out, 'worker.js'), worker.first);
  writeFileSync(join(out, 'worker-more.js'), worker.second);
  for (const name of ['index.html', 'style.css']) copyFileSync(join(SOURCE, name), join(out, name));
  for (const name of EXAMPLES)
    copyFileSync(join(ROOT, 'examples/obj/el', `${name}.bpf.o`), join(out, 'examples', `${name}.bpf.o`));
  copyFileSync(join(ROOT, 'examples/traffic.pcap'), join(out, 'examples/traffic.pcap'));
  copyFileSync(join(ROOT, FONT), join(out, 'inter.woff2'));
}

/** Bytes of the core, and of what is read when it is needed. @param {string} [out] */
export function playgroundSizes(out = join(OUT, 'playground')) {
  const size = (/** @type {string} */ name) => readFileSync(join(out, name)).length;
  return { core: CORE.reduce((sum, name) => sum + size(name), 0), more: size('worker-more.js') };
}

/** The worker and its second script, which adds itself when it is read. */
async function workerScripts() {
  const { first, second } = await inTwoScripts({
    dist: DIST,
    entry: `import { start } from ${JSON.stringify(join(SOURCE, 'worker', 'worker.ts'))};\nstart();`,
    isSecond: file => isSeldom('playground', file),
    bundle: (entry, parts) => bundled({ ...entry, globalName: 'part' }, [parts, compiledSources]),
  });
  const reader = transformSync(readFileSync(join(SITE, 'build', 'part-reader.js'), 'utf8'), {
    minifyWhitespace: true,
  });
  return { first: `${reader.code}${first}`, second: `addPart(bundle=>{${second}return part})` };
}

/**
 * @param {import('esbuild').BuildOptions} entry
 * @param {import('esbuild').Plugin[]} plugins
 */
async function bundled(entry, plugins) {
  const { outputFiles = [] } = await build({ ...OPTIONS, ...entry, plugins });
  return outputFiles.map(({ text }) => text).join('');
}

/** Modules of the package are those that the compiler made, with kernels as the modules that they are. */
const compiledSources = /** @type {import('esbuild').Plugin} */ ({
  name: 'compiled-sources',
  setup(build) {
    build.onResolve({ filter: /\/(src|cli)\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const source = relative(ROOT, join(resolveDir, path));
      return { path: join(DIST, source.replace(/\.ts$/, '.js')), sideEffects: false };
    });
    build.onLoad({ filter: /[\\/]src[\\/]image[\\/]compiled\.js$/ }, () => ({
      contents: 'export const COMPILED = { wasm: null, script: null };',
    }));
  },
});
