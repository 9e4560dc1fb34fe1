/**
 * Which modules of a command are in its second script, and the modules that replace those of the other script.
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
  inspect: {
    without: [
      'cli/format/disassembly.js',
      'cli/io/graphviz.js',
      'cli/io/picture.js',
      'src/isa/blocks.js',
      'src/isa/control-flow.js',
      'src/isa/disasm',
      'src/isa/flow.js',
      'src/isa/stack.js',
      'src/object/analysis/async-callbacks.js',
      'src/object/analysis/call-graph.js',
      'src/object/pictures/',
      'src/picture/',
    ],
  },
  link: {
    without: [
      'cli/flags/chain-words.js',
      'cli/flags/components.js',
      'cli/format/optimization.js',
      'cli/help/',
      'cli/format/table.js',
      'cli/io/graphviz.js',
      'cli/io/picture.js',
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
      'src/link/report/bound.js',
      'src/link/report/collect.js',
      'src/link/report/duplicate-advice.js',
      'src/link/report/files-picture.js',
      'src/link/report/link-picture.js',
      'src/link/resolve/agree-maps.js',
      'src/link/resolve/format-map.js',
      'src/link/resolve/problems.js',
      'src/link/resolve/references.js',
      'src/object/analysis/',
      'src/picture/',
      'src/object/maps/flags.js',
      'src/object/maps/types.js',
      'src/object/model/aliases.js',
      'src/object/model/from-columns.js',
      'src/object/model/programs.js',
      'src/object/model/symbols-of.js',
      'src/object/programs/function-types.js',
      'src/object/programs/verdicts.js',
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
      'src/uapi/errno.js',
    ],
    but: ['src/link/optimize/arguments.js'],
  },
  load: {
    without: [
      'cli/flags/chain-words.js',
      'cli/help/',
      'cli/flags/pinning.js',
      'cli/flags/search.js',
      'cli/format/load-plan.js',
      'cli/format/optimization.js',
      'cli/io/routes.js',
      'src/btf/binary/explain.js',
      'src/btf/binary/header.js',
      'src/btf/binary/parse.js',
      'src/btf/c/',
      'src/btf/compare/',
      'src/btf/merge/select.js',
      'src/btf/model/describe.js',
      'src/btf/model/explain.js',
      'src/btf/model/faults.js',
      'src/btf/model/pointer-size.js',
      'src/btf/model/value-state.js',
      'src/btf/values/',
      'src/bytes/lazy.js',
      'src/chain/engine/pinned-switch.js',
      'src/chain/engine/recover.js',
      'src/chain/libxdp/config.js',
      'src/chain/libxdp/dispatcher-types.js',
      'src/chain/libxdp/pins.js',
      'src/diag/codes-objects.js',
      'src/diag/codes-running.js',
      'src/diag/codes.js',
      'src/diag/problem-list.js',
      'src/diag/result.js',
      'src/diag/suggest.js',
      'src/dynamic/bind/agreement.js',
      'src/dynamic/bind/attempts.js',
      'src/dynamic/bind/binding-records.js',
      'src/dynamic/bind/bindings.js',
      'src/dynamic/bind/callers.js',
      'src/dynamic/bind/consumer.js',
      'src/dynamic/bind/dynamic-object.js',
      'src/dynamic/bind/effects.js',
      'src/dynamic/bind/load.js',
      'src/dynamic/bind/replacement-support.js',
      'src/dynamic/bind/signature.js',
      'src/dynamic/bind/stub-select.js',
      'src/dynamic/entries/recover.js',
      'src/dynamic/entries/store-load.js',
      'src/dynamic/providers/compose.js',
      'src/dynamic/providers/exports.js',
      'src/dynamic/providers/live-maps.js',
      'src/dynamic/providers/own-sections.js',
      'src/dynamic/providers/part.js',
      'src/dynamic/providers/provider.js',
      'src/dynamic/slots/record.js',
      'src/dynamic/slots/store.js',
      'src/dynamic/stubs/',
      'src/dynamic/upgrade/outlook.js',
      'src/elf/archive-index.js',
      'src/elf/archive.js',
      'src/elf/constants.js',
      'src/elf/explain-header.js',
      'src/elf/explain-relocations.js',
      'src/elf/explain-sections.js',
      'src/elf/explain-symbols.js',
      'src/elf/explain.js',
      'src/elf/faults.js',
      'src/elf/fields.js',
      'src/elf/file.js',
      'src/elf/identify.js',
      'src/elf/parse.js',
      'src/elf/refused.js',
      'src/hooks/entries/entry.js',
      'src/hooks/entries/running.js',
      'src/hooks/entries/state.js',
      'src/hooks/kinds/filter.js',
      'src/hooks/kinds/interface-spot.js',
      'src/hooks/kinds/link.js',
      'src/hooks/kinds/problems.js',
      'src/hooks/kinds/xdp.js',
      'src/image/memory.js',
      'src/isa/blocks.js',
      'src/isa/disasm-alu.js',
      'src/isa/disasm-jump.js',
      'src/isa/disasm-memory.js',
      'src/isa/disasm.js',
      'src/isa/flow.js',
      'src/isa/helper-arguments.js',
      'src/isa/stack.js',
      'src/kernel/hooks/hooks.js',
      'src/kernel/hooks/interface-facts.js',
      'src/kernel/hooks/interface.js',
      'src/kernel/hooks/netlink.js',
      'src/kernel/hooks/order.js',
      'src/kernel/hooks/probes.js',
      'src/kernel/hooks/survey.js',
      'src/kernel/hooks/tc.js',
      'src/kernel/objects/map-machine.js',
      'src/kernel/objects/test-run.js',
      'src/kernel/objects/verifier-causes.js',
      'src/kernel/objects/verifier-log-calls.js',
      'src/kernel/objects/verifier-log.js',
      'src/kernel/objects/verifier-rules-calls.js',
      'src/kernel/objects/verifier-rules-memory.js',
      'src/kernel/probes/',
      'src/kernel/sys/grace-period.js',
      'src/kernel/sys/lock-holders.js',
      'src/kernel/sys/netns.js',
      'src/link/edit/',
      'src/link/inputs/',
      'src/link/link.js',
      'src/link/optimize/analysis/',
      'src/link/optimize/clean/',
      'src/link/optimize/frame/',
      'src/link/optimize/inline/',
      'src/link/optimize/ir/',
      'src/link/optimize/model/',
      'src/link/optimize/optimize.js',
      'src/link/optimize/program.js',
      'src/link/optimize/registers/',
      'src/link/optimize/specialise/arithmetic.js',
      'src/link/optimize/specialise/branches.js',
      'src/link/optimize/specialise/constants.js',
      'src/link/optimize/specialise/expressions.js',
      'src/link/optimize/specialise/join.js',
      'src/link/optimize/specialise/knowledge.js',
      'src/link/optimize/specialise/loads.js',
      'src/link/optimize/specialise/loops.js',
      'src/link/optimize/specialise/numbering.js',
      'src/link/optimize/specialise/separate.js',
      'src/link/optimize/specialise/specialise.js',
      'src/link/optimize/specialise/state.js',
      'src/link/optimize/specialise/threading.js',
      'src/link/optimize/specialise/values.js',
      'src/link/passes/',
      'src/link/pipeline/',
      'src/link/report/bound.js',
      'src/link/report/collect.js',
      'src/link/report/duplicate-advice.js',
      'src/link/report/once.js',
      'src/link/report/report.js',
      'src/link/resolve/',
      'src/load/execute/map-reuse.js',
      'src/load/execute/program-functions.js',
      'src/load/execute/verifier-failure.js',
      'src/load/externs/kernel-version.js',
      'src/load/mend/declaration-repairs.js',
      'src/load/mend/draft.js',
      'src/load/mend/mend-plan.js',
      'src/load/mend/mend.js',
      'src/load/mend/name-repairs.js',
      'src/load/mend/needs.js',
      'src/load/mend/outlook.js',
      'src/load/mend/refusal.js',
      'src/load/mend/repair-kinds.js',
      'src/load/mend/repairs.js',
      'src/load/mend/value-repairs.js',
      'src/load/optimized/budget.js',
      'src/load/plan/context-arguments.js',
      'src/load/plan/limit.js',
      'src/load/plan/map-calls.js',
      'src/load/plan/map-rules.js',
      'src/load/plan/path-state.js',
      'src/load/plan/references.js',
      'src/load/plan/sanitize-btf.js',
      'src/object/analysis/async-callbacks.js',
      'src/object/analysis/extern-kinds.js',
      'src/object/analysis/kernel-fields.js',
      'src/object/maps/check.js',
      'src/object/maps/flags.js',
      'src/object/maps/types.js',
      'src/object/model/undefined.js',
      'src/object/model/variable-size.js',
      'src/object/programs/context-parameters.js',
      'src/object/programs/static-programs.js',
      'src/object/programs/type-words.js',
      'src/object/read/common.js',
      'src/object/read/cut-legacy-maps.js',
      'src/object/read/describe-aliases.js',
      'src/object/read/empty.js',
      'src/object/read/jump-tables.js',
      'src/object/read/legacy-layouts.js',
      'src/object/read/legacy-maps.js',
      'src/object/read/legacy-types.js',
      'src/object/read/set-types.js',
      'src/object/write/explain.js',
      'src/object/write/faults.js',
      'src/object/write/import-contents.js',
      'src/object/write/import-strings.js',
      'src/object/write/import.js',
      'src/object/write/unit.js',
      'src/object/write/write.js',
      'src/state/definitions.js',
      'src/state/unreadable.js',
      'src/uapi/attach-types.js',
      'src/uapi/commands.js',
      'src/uapi/core-relocations.js',
      'src/uapi/flags.js',
      'src/uapi/map-types.js',
      'src/uapi/sizes.js',
    ],
  },
  // what the commands for many hosts run: no other command reads it
  rootlet: { without: ['cli/fleet/', 'src/fleet/'] },
  // what the worker of the playground does not need to link and run objects that have no mistakes
  playground: {
    without: [
      'src/btf/binary/explain.js',
      'src/btf/compare/compare.js',
      'src/btf/compare/explain.js',
      'src/btf/compare/outline.js',
      'src/btf/compare/resolved.js',
      'src/btf/compare/tags.js',
      'src/btf/model/describe.js',
      'src/btf/model/explain.js',
      'src/btf/model/pointer-size.js',
      'src/btf/values/data.js',
      'src/btf/values/find-type.js',
      'src/btf/values/write.js',
      'src/bytes/webassembly.js',
      'src/diag/codes-objects.js',
      'src/diag/codes-running.js',
      'src/diag/codes.js',
      'src/elf/archive-index.js',
      'src/elf/archive.js',
      'src/elf/explain-header.js',
      'src/elf/explain-relocations.js',
      'src/elf/explain-sections.js',
      'src/elf/explain-symbols.js',
      'src/elf/explain.js',
      'src/elf/identify.js',
      'src/elf/refused.js',
      'src/image/keyed-hash.js',
      'src/image/random.js',
      'src/image/resident-memory.js',
      'src/link/edit/binding.js',
      'src/link/edit/defsym.js',
      'src/link/edit/rename.js',
      'src/link/edit/requests.js',
      'src/link/edit/sections.js',
      'src/link/edit/wrap.js',
      'src/link/optimize/analysis/',
      'src/link/optimize/clean/',
      'src/link/optimize/frame/',
      'src/link/optimize/inline/',
      'src/link/optimize/ir/',
      'src/link/optimize/model/',
      'src/link/optimize/optimize.js',
      'src/link/optimize/program.js',
      'src/link/optimize/registers/',
      'src/link/optimize/specialise/arithmetic.js',
      'src/link/optimize/specialise/constants.js',
      'src/link/optimize/specialise/expressions.js',
      'src/link/optimize/specialise/join.js',
      'src/link/optimize/specialise/knowledge.js',
      'src/link/optimize/specialise/loads.js',
      'src/link/optimize/specialise/loops.js',
      'src/link/optimize/specialise/numbering.js',
      'src/link/optimize/specialise/separate.js',
      'src/link/optimize/specialise/specialise.js',
      'src/link/optimize/specialise/state.js',
      'src/link/optimize/specialise/threading.js',
      'src/link/optimize/specialise/values.js',
      'src/link/passes/fold-identical-classes.js',
      'src/link/passes/fold-identical-explain.js',
      'src/link/passes/fold-identical.js',
      'src/link/passes/partition.js',
      'src/link/relink/chain-watch.js',
      'src/link/report/duplicate-advice.js',
      'src/link/report/files-picture.js',
      'src/link/report/link-picture.js',
      'src/link/resolve/agree-maps.js',
      'src/link/resolve/format-map.js',
      'src/link/resolve/references.js',
      'src/link/watch/steps.js',
      'src/link/watch/with-counters.js',
      'src/object/analysis/kconfig.js',
      'src/object/maps/flags.js',
      'src/object/maps/per-cpu.js',
      'src/object/maps/records.js',
      'src/object/maps/types.js',
      'src/object/model/undefined.js',
      'src/object/model/variable-size.js',
      'src/object/pictures/',
      'src/object/programs/type-words.js',
      'src/object/read/common.js',
      'src/object/read/cut-legacy-maps.js',
      'src/object/read/describe-aliases.js',
      'src/object/read/empty.js',
      'src/object/read/jump-tables.js',
      'src/object/read/legacy-layouts.js',
      'src/object/read/legacy-maps.js',
      'src/object/read/legacy-types.js',
      'src/object/read/set-types.js',
      'src/object/write/explain.js',
      'src/picture/',
      'src/vm/capture/record.js',
      'src/vm/compile/emit/counters.js',
      'src/vm/compile/emit/switch.js',
      'src/vm/compile/emit/words.js',
      'src/vm/helpers/checksum-math.js',
      'src/vm/maps/grown.js',
      'src/vm/run/coverage.js',
      'src/vm/run/faults.js',
      'src/vm/state/skb-fields.js',
    ],
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
  const passed = [...text.matchAll(/^export (?:\{([^}]+)\}|\*)(?: from "([^"]+)")?;/gm)];
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
 * What the first script has instead of a module of the second. A value that is used nevertheless is found by
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
 * What the second script has instead of a module of the first.
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

/** @param {{ names: string, from: string | undefined }} passed Without names: all. */
function passedOn({ names, from }) {
  if (names === '') return `export * from ${JSON.stringify(from)};`;
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
