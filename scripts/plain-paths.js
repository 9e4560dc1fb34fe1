/**
 * Which files the plain path of a command does not run: they are in its second script (`split.js`). A file that is
 * listed wrongly costs the time to read that script, and nothing else.
 */

/**
 * By command: beginnings of the paths of files that are not needed, and of those among them that are.
 *
 * @type {Readonly<Record<string, { readonly rest: readonly string[], readonly plain: readonly string[] }>>}
 */
export const PLAIN_PATHS = {
  // one object without externs, loaded without options that change its code, on a kernel that takes it as it is
  load: {
    rest: [
      'cli/format/load-plan',
      'cli/format/optimization',
      'src/btf/binary/explain',
      'src/btf/c/',
      'src/btf/compare/',
      'src/btf/model/explain',
      'src/btf/values/',
      'src/chain/',
      'src/diag/suggest',
      'src/dynamic/bind/',
      'src/dynamic/entries/store-load',
      'src/dynamic/fit/',
      'src/dynamic/providers/',
      'src/dynamic/slots/',
      'src/dynamic/stubs/',
      'src/dynamic/upgrade/',
      'src/elf/archive',
      'src/elf/write',
      'src/hooks/',
      'src/isa/stack',
      'src/kernel/hooks/',
      'src/kernel/objects/test-run',
      'src/kernel/objects/verifier-',
      'src/kernel/probes/',
      'src/kernel/sys/lock-holders',
      'src/kernel/sys/rights',
      'src/link/',
      'src/load/execute/map-reuse',
      'src/load/execute/verifier-failure',
      'src/load/mend/',
      'src/load/optimized/',
      'src/load/plan/context-arguments',
      'src/load/plan/limit',
      'src/load/plan/map-calls',
      'src/load/plan/map-rules',
      'src/load/plan/path-state',
      'src/load/plan/references',
      'src/load/plan/sanitize',
      'src/load/values/',
      'src/object/analysis/async-callbacks',
      'src/object/maps/check',
      'src/object/programs/type-words',
      'src/object/read/legacy-layouts',
      'src/object/read/legacy-types',
      'src/object/read/target',
      'src/object/write/',
      'src/vm/',
    ],
    plain: [
      'src/chain/libxdp/dispatcher',
      'src/dynamic/bind/find',
      'src/dynamic/slots/change',
      'src/dynamic/slots/entry-settings',
      'src/dynamic/upgrade/object-state',
      'src/hooks/kinds/program-hooks',
      'src/link/dropped-tail-calls',
      'src/link/report/map-notes',
      'src/load/mend/execute',
      'src/load/optimized/ladder',
      'src/object/write/strip-data-sections',
    ],
  },
};

/**
 * Whether a file is in the first script of a command. Index files only pass names on.
 *
 * @param {string} command
 * @param {string} file    Path from the compiled root, as `src/vm/run/run.js`.
 */
export function isOnPlainPath(command, file) {
  const paths = PLAIN_PATHS[command];
  if (paths === undefined || file.endsWith('/index.js')) return true;
  const begins = (/** @type {string} */ path) => file.startsWith(path);
  return !paths.rest.some(begins) || paths.plain.some(begins);
}
