/**
 * Makes scripts of the commands: finding and opening modules one by one took 70 ms, as long as Node's own start,
 * and V8 keeps compiled code of scripts only. One script has all commands; those that are run most often, by builds and by
 * those who look into objects, have one of their own, which is read faster.
 *
 * What a run of a command seldom needs is in a second script, which is read when the first of its functions is called
 * (`NEEDED_SELDOM`): V8 takes time for each function that a script has, also for those that do not run.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transformSync } from 'esbuild';
import { commandModule, kernelNames } from './kernels.js';
import { packagesOf, thirdPartyText } from './licenses.js';
import { isSeldom } from './parts.js';
import { inTwoScripts } from './split.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const directory = join(dist, 'command');
const MAIN = join(dist, 'cli', 'main.js');

/** @typedef {import('esbuild').Plugin} Plugin */
/** @typedef {import('./kernels.js').Compiled} Compiled */

/** The script with kernels as JavaScript, which commands read only where they cannot run them as WebAssembly. */
const KERNEL_SCRIPT = 'kernels-js';
/** The module with kernels, in bytes: decoding text takes longer than reading a file. */
const KERNEL_MODULE = 'kernels.wasm';

/** Characters of a line, which Node shows for the place of an error. */
const LINE_LIMIT = 160;

/** Commands with a script of their own. */
const OWN_SCRIPT = ['inspect', 'link', 'load'];

/** Files that are in any of the scripts. */
const inputs = /** @type {Set<string>} */ (new Set());

/** @param {Compiled} compiled */
export async function bundleCommands(compiled) {
  mkdirSync(directory);
  const kernels = commandKernels(compiled);
  for (const command of OWN_SCRIPT) {
    const plugins = [onlyCommand(command), kernels];
    if (isSeldom(command)) await bundleParts(command, plugins);
    else await bundle(`${command}.cjs`, plugins);
  }
  await bundleParts('rootlet', [kernels]);
  await writeManuals();
  writeFileSync(join(dist, 'THIRD-PARTY.txt'), thirdPartyText(root, packagesOf(inputs)));
}

/** The pages of help as manual pages. */
async function writeManuals() {
  const { loadCatalog } = await import(pathToFileURL(MAIN).href);
  const { manualPages } = await import(pathToFileURL(join(dist, 'cli', 'help', 'man.js')).href);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  mkdirSync(join(dist, 'man'));
  for (const { file, text } of manualPages(await loadCatalog(), version))
    writeFileSync(join(dist, 'man', file), text);
}

/**
 * Commands read the module with kernels, and have their names compiled in.
 *
 * @param {Compiled} compiled
 * @returns {Plugin}
 */
function commandKernels(compiled) {
  const { wasm, script } = compiled;
  writeScript(`${KERNEL_SCRIPT}.cjs`, minified(`exports.make = ${script};`));
  writeFileSync(join(directory, KERNEL_MODULE), wasm);
  const module = commandModule(
    `() => require('node:fs').readFileSync(\`\${bundle.directory}/${KERNEL_MODULE}\`)`,
    `outside => bundle.readScript('${KERNEL_SCRIPT}').make(outside)`,
  );
  return {
    name: 'kernels',
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/]image[\\/]compiled\.js$/ }, () => ({ contents: module }));
      build.onLoad({ filter: /\.kernel\.js$/ }, ({ path: file }) => {
        const source = inDist(file).replace(/js$/, 'ts');
        return { contents: kernelNames(compiled, source) };
      });
    },
  };
}

/** @param {string} text */
function minified(text) {
  return transformSync(text, { minify: true, lineLimit: LINE_LIMIT }).code;
}

/** @param {string} path */
function inDist(path) {
  return relative(dist, path).replaceAll(sep, '/');
}

/**
 * @param {string} name
 * @param {Plugin[]} plugins
 */
async function bundle(name, plugins) {
  writeScript(name, await bundled({ entryPoints: [MAIN] }, plugins));
}

/**
 * The text of a script.
 *
 * @param {import('esbuild').BuildOptions} entry
 * @param {Plugin[]} plugins
 */
async function bundled(entry, plugins) {
  const { metafile, outputFiles } = await build({
    ...entry,
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    external: ['koffi', '@viz-js/viz'],
    define: { 'import.meta.url': 'bundle.url' },
    minify: true,
    lineLimit: LINE_LIMIT,
    logLevel: 'warning',
    plugins,
  });
  for (const input of Object.keys(metafile?.inputs ?? {})) inputs.add(input);
  return (outputFiles ?? []).map(file => file.text).join('');
}

/**
 * A script that is one function, and says in its first line which build it is: by that bin/rootlet.js knows what V8 has
 * compiled for exactly this one. `bundle` has its place, and reads other scripts.
 *
 * @param {string} name
 * @param {string} text
 */
function writeScript(name, text) {
  const id = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const parameters = 'exports, require, module, bundle';
  writeFileSync(join(directory, name), `// ${id}\n(function (${parameters}) {${text}\n})`);
}

/**
 * @param {string} command
 * @param {Plugin[]} plugins
 */
async function bundleParts(command, plugins) {
  const { first, second } = await inTwoScripts({
    dist,
    entry: `export { main } from ${JSON.stringify(MAIN)};`,
    isSecond: file => isSeldom(command, file),
    bundle: (entry, parts) => bundled(entry, [parts, ...plugins]),
  });
  writeScript(`${command}.cjs`, first);
  writeScript(`${command}-more.cjs`, second);
}

/** The file that imports commands. What a command itself imports when it is called is in its script. */
const IMPORTS_COMMANDS = /[\\/]cli[\\/]main\.js$/;

/**
 * The command line with one command compiled in and the others left out.
 *
 * @param {string} command
 * @returns {Plugin}
 */
function onlyCommand(command) {
  const path = `./commands/${command}.js`;
  return {
    name: 'only-command',
    setup(build) {
      build.onLoad({ filter: IMPORTS_COMMANDS }, ({ path: file }) => {
        const parts = readFileSync(file, 'utf8').split(`import("${path}")`);
        if (parts.length !== 2) throw new Error(`${file} does not load ${path} as expected`);
        return { contents: `import * as theCommand from '${path}';\n${parts.join('theCommand')}` };
      });
      build.onResolve({ filter: /.*/ }, ({ kind, importer, path: wanted }) =>
        kind === 'dynamic-import' && IMPORTS_COMMANDS.test(importer)
          ? { path: wanted, external: true }
          : undefined,
      );
    },
  };
}
