/**
 * One command as two scripts: what its plain path runs, and the rest, which is read when one of its functions is
 * first called. Starting a command takes time for each module in its script, whether anything of it is called or not.
 *
 * Files of the rest are represented in the plain script by functions of the same names, which open the rest and call
 * theirs. The rest uses the files of the plain script as they are there, so that nothing exists twice: classes and
 * tables are the same on both sides.
 */

import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { build } from 'esbuild';

/** Names that files of the rest use, by file of the plain script. @typedef {Map<string, Set<string>>} Shared */
/** Options of esbuild for the command as one script. @typedef {import('esbuild').BuildOptions} Options */
/**
 * @typedef {object} Job
 * @property {string} root    Of the compiled files.
 * @property {string} main    File that exports `main`.
 * @property {(file: string) => boolean} isRest    Whether the plain path calls no function of a file.
 * @property {Options} options
 */

/** Both texts are stable long before; a limit because each round is a build. */
const MOST_ROUNDS = 12;

/**
 * The plain script calls `openRest(shared)` for the modules of the rest by file; the rest exports them as `modules`
 * and has `shared`.
 *
 * @param {Job} job
 * @returns {Promise<{ plain: string, rest: string }>}
 */
export async function split(job) {
  /** @type {Shared} */
  let shared = new Map();
  /** Files of which the plain script uses classes or constants, which nothing can stand in for. @type {Set<string>} */
  const kept = new Set();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const plain = await buildPlain({ ...job, isRest: file => job.isRest(file) && !kept.has(file) }, shared);
    for (const file of plain.kept) kept.add(file);
    if (plain.kept.size > 0) continue;
    const rest = await buildRest(job, plain.called, plain.files);
    if (isSame(shared, rest.shared)) return { plain: plain.text, rest: rest.text };
    for (const [file, names] of shared)
      rest.shared.set(file, new Set([...names, ...(rest.shared.get(file) ?? [])]));
    shared = rest.shared;
  }
  throw new Error('the plain script and the rest of a command do not come apart');
}

/** @param {Shared} one @param {Shared} other */
function isSame(one, other) {
  const textOf = (/** @type {Shared} */ map) =>
    [...map]
      .map(([file, names]) => `${file}:${[...names].sort()}`)
      .sort()
      .join();
  return textOf(one) === textOf(other);
}

// --- the plain script ---------------------------------------------------------------------------------------------

/** Opens the rest at the first call of one of its functions. */
const OPENER = `
let modules, shared;
export function share(all) { shared = all; }
export function rest(file) { return (modules ??= openRest(shared))[file]; }`;

/** @param {Job} job @param {Shared} shared */
async function buildPlain({ root, main, isRest, options }, shared) {
  /** Files of the rest that plain ones call. @type {Set<string>} */
  const called = new Set();
  const result = await build({
    ...options,
    write: false,
    stdin: { contents: plainEntry(main, shared), resolveDir: root },
    metafile: true,
    plugins: [...(options.plugins ?? []), callsToRest(root, isRest, called)],
  });
  const text = textOf(result);
  const whole = text.replaceAll('\\\n', ''); // strings that continue on the next line
  const kept = new Set([...whole.matchAll(/notAFunction\("([^"]*)"\)/g)].map(([, file = '']) => file));
  return { text, called, kept, files: filesOf(result, root) };
}

/** @param {string} main @param {Shared} shared */
function plainEntry(main, shared) {
  const lines = [`export { main } from './${main}';`, `import { share } from 'rootlet:rest';`];
  const files = [...shared]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, names], index) => {
      const sorted = [...names].sort();
      lines.push(
        `import { ${sorted.map(name => `${name} as s${index}_${name}`).join(', ')} } from './${file}';`,
      );
      const getters = sorted.map(name => `get ${name}() { return s${index}_${name}; }`);
      return `${JSON.stringify(file)}: { ${getters.join(', ')} }`;
    });
  return [...lines, `share({ ${files.join(',\n')} });`].join('\n');
}

/**
 * Puts functions that call the rest in the place of its files.
 *
 * @param {string} root
 * @param {(file: string) => boolean} isRest
 * @param {Set<string>} called
 * @returns {import('esbuild').Plugin}
 */
function callsToRest(root, isRest, called) {
  return {
    name: 'calls-to-rest',
    setup(build) {
      build.onResolve({ filter: /^rootlet:rest$/ }, () => ({ path: 'opener', namespace: 'opener' }));
      build.onLoad({ filter: /.*/, namespace: 'opener' }, () => ({ contents: OPENER }));
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = fileOf(root, resolveDir, path);
        return isRest(file) ? { path: file, namespace: 'rest', sideEffects: false } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'rest' }, ({ path }) => {
        called.add(path);
        return { contents: standIn(path, readFileSync(join(root, path), 'utf8')) };
      });
    },
  };
}

/** @param {string} file @param {string} text */
function standIn(file, text) {
  const lines = [`import { rest } from 'rootlet:rest';`];
  for (const [, name] of text.matchAll(/^export (?:async )?function\*? (\w+)/gm))
    lines.push(`export function ${name}(...args) { return rest(${JSON.stringify(file)}).${name}(...args); }`);
  for (const [, name] of text.matchAll(/^export (?:const|let|var|class) (\w+)/gm))
    lines.push(`export const ${name} = /* @__PURE__ */ notAFunction(${JSON.stringify(file)});`);
  return lines.join('\n');
}

// --- the rest -----------------------------------------------------------------------------------------------------

/** @param {Job} job @param {ReadonlySet<string>} called @param {ReadonlySet<string>} plain */
async function buildRest({ root, options }, called, plain) {
  const files = [...called].sort();
  const imports = files.map((file, index) => `import * as m${index} from './${file}';`);
  const modules = files.map((file, index) => `${JSON.stringify(file)}: m${index}`);
  /** @type {Shared} */
  const shared = new Map();
  const result = await build({
    ...options,
    write: false,
    stdin: {
      contents: [...imports, `export const modules = { ${modules.join(', ')} };`].join('\n'),
      resolveDir: root,
    },
    metafile: true,
    plugins: [...(options.plugins ?? []), filesOfPlain(root, plain)],
  });
  const own = filesOf(result, root);
  for (const file of own)
    for (const [used, name] of importsOf(root, file)) {
      if (!plain.has(used)) continue;
      const names = shared.get(used) ?? new Set();
      shared.set(used, names.add(name));
    }
  return { text: textOf(result), shared };
}

/**
 * Files of the plain script are found in `shared`.
 *
 * @param {string} root
 * @param {ReadonlySet<string>} plain
 * @returns {import('esbuild').Plugin}
 */
function filesOfPlain(root, plain) {
  return {
    name: 'files-of-plain',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = fileOf(root, resolveDir, path);
        return plain.has(file) ? { path: file, namespace: 'plain', sideEffects: false } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'plain' }, ({ path }) => ({
        contents: `module.exports = shared[${JSON.stringify(path)}];`,
      }));
    },
  };
}

/**
 * What a compiled file imports by name: file and name. Index files are seen through.
 *
 * @param {string} root
 * @param {string} file
 * @returns {[string, string][]}
 */
function importsOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export) \{([^}]*)\} from '(\.[^']*)';/gm)].flatMap(
    ([, names = '', path = '']) => {
      const from = fileOf(root, join(root, dirname(file)), path);
      return names
        .split(',')
        .map(name => name.trim().split(' as ')[0]?.trim() ?? '')
        .filter(name => name !== '')
        .map(name => definitionOf(root, from, name));
    },
  );
}

/** Where a name of an index file is defined. @param {string} root @param {string} file @param {string} name @returns {[string, string]} */
function definitionOf(root, file, name) {
  if (!file.endsWith('/index.js')) return [file, name];
  return importsOf(root, file).find(([, exported]) => exported === name) ?? [file, name];
}

// --- both ---------------------------------------------------------------------------------------------------------

/** @param {string} root @param {string} directory @param {string} path */
function fileOf(root, directory, path) {
  return relative(root, join(directory, path)).replaceAll(sep, '/');
}

/** @param {import('esbuild').BuildResult} result */
function textOf({ outputFiles = [] }) {
  return outputFiles.map(file => file.text).join('');
}

/** Files of which a script has code. @param {import('esbuild').BuildResult} result @param {string} root @returns {Set<string>} */
function filesOf({ metafile }, root) {
  const files = Object.values(metafile?.outputs ?? {}).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return new Set(
    files.map(file => relative(root, file).replaceAll(sep, '/')).filter(file => !file.startsWith('..')),
  );
}
