/** Rootlets and components made by hand, and what tests ask of a chain. */

import type { RelinkOptions } from '../../../src/link/relink/options.ts';
import type { SlotAssignment } from '../../../src/link/relink/slots.ts';
import { type RelinkSuccess, relink } from '../../../src/link/relink.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { readObject } from '../../../src/object/read/read.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { objectOf, type SymbolSpec } from '../../support/objects.ts';

/** A rootlet with the slots `one` and `two`. */
export const ROOTLET: BpfObject = objectOf('rootlet.o', [
  { name: 'root', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['one', 'two'], value: 2 },
  { name: 'one', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
  { name: 'two', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
]);

/** A component whose program `prog` calls `calls`. */
export function component(name: string, calls: readonly string[], others: readonly SymbolSpec[]): BpfObject {
  return objectOf(name, [
    { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', calls, value: 2 },
    ...others,
  ]);
}

/** `fw_a.o` and the like: a program `a` that uses all of the others. */
export function firewall(letter: string, ...others: readonly SymbolSpec[]): BpfObject {
  const uses = others.map(({ name }) => name);
  return objectOf(`fw_${letter}.o`, [
    { name: letter, kind: 'function', section: 'xdp', context: 'xdp_md', uses, value: 2 },
    ...others,
  ]);
}

/** The components in the slots, in order. */
export function inSlots(...components: readonly BpfObject[]): SlotAssignment[] {
  return components.map((object, position) => ({ slot: position === 0 ? 'one' : 'two', component: object }));
}

/** A chain that has to come about; its object is read back from what would be written. */
export function chained(
  assignments: readonly SlotAssignment[],
  options: RelinkOptions = {},
  rootlet: BpfObject = ROOTLET,
): RelinkSuccess {
  const result = relink(rootlet, assignments, options);
  if (!result.ok)
    throw new Error(result.problems.map(problem => `${problem.code}: ${problem.message}`).join('\n'));
  const { report } = result;
  return { ...result, report, object: readObject({ name: 'written.o', bytes: writeObject(result.object) }) };
}

/** Problems of a chain: code and message. */
export function refusals(
  assignments: readonly SlotAssignment[],
  options: RelinkOptions = {},
): (readonly [string, string])[] {
  const result = relink(ROOTLET, assignments, options);
  return result.ok ? [] : result.problems.map(problem => [problem.code, problem.message] as const);
}

/** Names of the symbols of a kind, in order. */
export function namesOf(
  { object }: Pick<RelinkSuccess, 'object'>,
  kind: BpfObject['symbols'][number]['kind'],
): string[] {
  return object.symbols.flatMap(symbol => (symbol.kind === kind && symbol.name !== '' ? [symbol.name] : []));
}

/** Names that a function refers to, in order. */
export function usesOf({ object }: Pick<RelinkSuccess, 'object'>, name: string): string[] {
  const symbol = object.symbols.find(candidate => candidate.kind === 'function' && candidate.name === name);
  if (symbol?.kind !== 'function') throw new Error(`no function ${name}`);
  return symbol.references.map(reference => object.symbols[reference.symbol]?.name ?? '');
}

/** The symbol of that name. */
export function symbolOf(
  { object }: Pick<RelinkSuccess, 'object'>,
  name: string,
): BpfObject['symbols'][number] {
  const symbol = object.symbols.find(candidate => candidate.name === name);
  if (symbol === undefined) throw new Error(`no symbol ${name}`);
  return symbol;
}
