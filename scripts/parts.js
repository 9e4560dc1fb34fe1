/**
 * Which modules of a command are in its second script, and the modules that stand for those of the other script.
 *
 * Only functions are called across, and numbers and texts copied: a class or another value that the first script would need of the second belongs into the
 * first. What the second needs of the first is taken from there when it is read, once the first has run whole.
 */

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * What the plain way of a command does not run: how paths in `dist/` begin. Whatever is in no list is in the first
 * script.
 *
 * @type {Readonly<Record<string, { readonly without: readonly string[], readonly but?: readonly string[] }>>}
 */
export const NEEDED_SELDOM = {
  link: {
    without: [
      'cli/flags/chain-words.js',
      'cli/flags/components.js',
      'cli/format/optimization.js',
      'cli/format/table.js',
      'src/btf/binary/explain',
      'src/btf/binary/lines.js',
      'src/btf/c/',
      'src/btf/compare/',
      'src/btf/merge/select.js',
      'src/btf/model/describe.js',
      'src/btf/model/explain',
      'src/btf/model/string-pool.js',
      'src/btf/model/to-raw.js',
      'src/btf/model/type-writer.js',
      'src/diag/codes',
      'src/diag/suggest.js',
      'src/elf/archive',
      'src/elf/explain',
      'src/elf/refused.js',
      'src/isa/',
      'src/link/edit/',
      'src/link/optimize/',
      'src/btf/model/builder.js',
      'src/link/passes/edit-symbols.js',
      'src/link/passes/fold-identical',
      'src/link/passes/gc.js',
      'src/link/passes/gpl-only.js',
      'src/link/passes/limits.js',
      'src/link/passes/prune-',
      'src/link/report/collect.js',
      'src/link/report/duplicate-advice.js',
      'src/link/resolve/agree-maps.js',
      'src/link/resolve/format-map.js',
      'src/link/resolve/problems.js',
      'src/link/resolve/references.js',
      'src/object/analysis/',
      'src/object/maps/flags.js',
      'src/object/maps/types.js',
      'src/object/model/aliases.js',
      'src/object/model/from-columns.js',
      'src/object/model/programs.js',
      'src/object/model/symbols-of.js',
      'src/object/programs/function-types.js',
      'src/object/read/common.js',
      'src/object/read/cut-legacy-maps.js',
      'src/object/read/describe-aliases.js',
      'src/object/read/empty.js',
      'src/object/read/explain.js',
      'src/object/read/jump-tables.js',
      'src/object/read/legacy-',
      'src/object/read/set-types.js',
      'src/object/write/explain',
      'src/object/write/import',
    ],
    but: ['src/link/optimize/arguments.js'],
  },
};

/**
 * Whether a command has a second script, or whether a file is in it.
 *
 * @param {string} command
 * @param {string} [file]
 */
export function isSeldom(command, file) {
  const listed = NEEDED_SELDOM[command];
  if (listed === undefined || file === undefined) return listed !== undefined;
  const begins = (/** @type {string} */ path) => file.startsWith(path);
  return listed.without.some(begins) && listed.but?.some(begins) !== true;
}

/** What is wrong with the lists. */
export class PartError extends Error {}

/**
 * What a module itself exports, as the TypeScript compiler prints it.
 *
 * @param {string} dist
 * @param {string} file
 */
function exportsOf(dist, file) {
  const text = readFileSync(join(dist, file), 'utf8');
  const declared = [...text.matchAll(/^export (?:async )?(function\*?|class|const|let) (\w+)/gm)];
  const passed = [...text.matchAll(/^export \{([^}]+)\}(?: from "([^"]+)")?;/gm)];
  const all = text.match(/^export\b(?! \{\};)/gm) ?? [];
  if (all.length !== declared.length + passed.length || declared.some(([, kind]) => kind === 'let'))
    throw new PartError(`${file} exports in a way that scripts/parts.js does not know`);
  const isFunction = new Map(declared.map(([, kind = '', name = '']) => [name, kind.startsWith('function')]));
  const literals = new Map(
    [...text.matchAll(/^export const (\w+) = (\d\w*|'[^'\\]*');$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  return { isFunction, literals, passed: passed.map(([, names = '', from]) => ({ names, from })) };
}

/**
 * What stands in the first script for a module of the second. A value that is used nevertheless is found by
 * `partKeys`.
 *
 * @param {string} dist
 * @param {string} file
 */
export function stubModule(dist, file) {
  const { isFunction, literals, passed } = exportsOf(dist, file);
  const lines = [...isFunction].map(([name, callable]) => {
    const key = JSON.stringify(`${file}:${name}`);
    if (callable) return `export function ${name}(...values) { return bundle.readPart(${key})(...values); }`;
    return `export const ${name} = ${literals.get(name) ?? `/* @__PURE__ */ valueOfPart(${key})`};`;
  });
  return [...lines, ...passed.map(passedOn)].join('\n');
}

/**
 * What stands in the second script for a module of the first.
 *
 * @param {string} dist
 * @param {string} file
 */
export function importedModule(dist, file) {
  const { isFunction, passed } = exportsOf(dist, file);
  const lines = [...isFunction.keys()].map(
    name => `export const ${name} = /* @__PURE__ */ bundle.readPart(${JSON.stringify(`${file}:${name}`)});`,
  );
  return [...lines, ...passed.map(passedOn)].join('\n');
}

/** @param {{ names: string, from: string | undefined }} passed */
function passedOn({ names, from }) {
  if (from === undefined) throw new PartError(`names are exported apart from their declarations: ${names}`);
  return `export {${names}} from ${JSON.stringify(from)};`;
}

/**
 * What a script takes of the other one.
 *
 * @param {string} text
 */
export function partKeys(text) {
  const values = keysOf(text, 'valueOfPart');
  if (values.length > 0)
    throw new PartError(
      `the first script needs values of the second, not only functions: ${values.join(', ')}`,
    );
  return keysOf(text, 'readPart');
}

/**
 * The bundler breaks lines between any two words, and in texts.
 *
 * @param {string} text
 * @param {string} name
 */
function keysOf(text, name) {
  const found = [...text.matchAll(new RegExp(`\\b${name}\\s*\\(\\s*"([^"]+)"\\s*\\)`, 'g'))];
  if (found.length !== text.split(name).length - 1) throw new PartError(`${name} is used in another way`);
  return [...new Set(found.map(([, key = '']) => key.replaceAll('\\\n', '')))].sort();
}

/** @param {string} key */
function splitKey(key) {
  const [file = '', name = ''] = key.split(':');
  return { path: JSON.stringify(`./${posix.normalize(file)}`), name, key: JSON.stringify(key) };
}

/**
 * A module that exports functions by their keys, for the first script.
 *
 * @param {readonly string[]} keys
 */
export function calledModule(keys) {
  return keys
    .map(splitKey)
    .map(({ path, name, key }) => `export { ${name} as ${key} } from ${path};`)
    .join('\n');
}

/**
 * A module with a function that returns what the second script takes, by keys: made when that is read.
 *
 * @param {readonly string[]} keys
 */
export function sharedModule(keys) {
  const split = keys.map(splitKey);
  const imports = split.map(({ path, name }, at) => `import { ${name} as shared${at} } from ${path};`);
  const rows = split.map(({ key }, at) => `${key}: shared${at}`);
  return [...imports, `export function shared() { return { ${rows.join(', ')} }; }`].join('\n');
}
