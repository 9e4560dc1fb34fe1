/**
 * Tests that also run outside, on whatever kernel is there, and use something that the oldest kernel here does not have.
 * They do not say so themselves; the release that has it stands here, by file and a part of the name.
 */

import { since } from './kernel.ts';

const NEEDS: readonly (readonly [file: string, name: string, series: string])[] = [
  ['src/kernel/hooks.test.ts', 'tcx', '6.6'],
  ['src/kernel/hooks.test.ts', 'socket look-ups of a namespace, netfilter', '6.4'],
  ['src/load/attach-kinds.test.ts', 'on_many', '6.6'],
  ['src/load/struct-ops.test.ts', 'a table with a link', '6.4'],
  ['src/load/attach.test.ts', 'TC programs by both methods', '6.6'],
  ['src/load/externs.test.ts', '', '6.4'], // all of it: kernel functions for packets
  // its objects have a map of every type, those of tasks' cgroups (6.2) among them
  ['src/load/kernel.test.ts', 'obj/el/maps.bpf.o', '6.2'],
  ['src/load/maps.test.ts', 'every type of map', '6.2'],
  ['src/load/maps.test.ts', 'arrays of programs and of maps', '6.2'],
  ['src/load/maps.test.ts', 'a program array without its program', '6.2'],
  ['src/load/maps.test.ts', 'a pinned map is found again', '6.2'],
  ['src/load/maps.test.ts', 'a map of the caller', '6.2'],
  ['src/load/maps.test.ts', 'typed maps', '6.2'],
];

/** Why this kernel is too old for a test; undefined when it is not. Without a name, why for the whole file. */
export function whyTooOld(file: string, name?: string): string | undefined {
  const needs = NEEDS.filter(([path, part]) => {
    if (!file.endsWith(path)) return false;
    return part === '' || name?.includes(part) === true;
  });
  return needs.map(([, , series]) => since(series)).find(reason => reason !== undefined);
}
