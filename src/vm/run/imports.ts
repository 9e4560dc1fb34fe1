/** The functions that a compiled module imports, bound to one machine. */

import { bugError } from '../../diag/index.ts';
import type { HelperImport } from '../compile/analysis/index.ts';
import type { HelperFunction } from '../helpers/index.ts';
import type { MachineState } from '../state/index.ts';

/**
 * By field name. Written out for each number of arguments: passing them on as a list would cost a copy per
 * call.
 */
export function bindHelpers(
  imports: readonly HelperImport[],
  machine: MachineState,
): Record<string, (...args: number[]) => number> {
  const bound: [string, (...args: number[]) => number][] = imports.map(item => [
    item.name,
    bind(item, machine),
  ]);
  return Object.fromEntries(bound);
}

function bind({ helper, map, arity }: HelperImport, machine: MachineState): (...args: number[]) => number {
  const store = map === null ? undefined : machine.maps[map];
  if (store !== undefined && helper.name === 'map_lookup_elem') return (key = 0) => store.lookup(key);
  if (helper.run === null) throw bugError([], `helper bpf_${helper.name} has no function`);
  return map === null ? bindPlain(helper.run, machine, arity) : bindMap(helper.run, machine, map, arity);
}

function bindPlain(run: HelperFunction, machine: MachineState, arity: number): (...args: number[]) => number {
  switch (arity) {
    case 0:
      return () => run(machine);
    case 1:
      return (a = 0) => run(machine, a);
    case 2:
      return (a = 0, b = 0) => run(machine, a, b);
    case 3:
      return (a = 0, b = 0, c = 0) => run(machine, a, b, c);
    default:
      return (...args) => run(machine, ...args);
  }
}

function bindMap(
  run: HelperFunction,
  machine: MachineState,
  map: number,
  arity: number,
): (...args: number[]) => number {
  switch (arity) {
    case 1:
      return (a = 0) => run(machine, map, a);
    case 2:
      return (a = 0, b = 0) => run(machine, map, a, b);
    case 3:
      return (a = 0, b = 0, c = 0) => run(machine, map, a, b, c);
    default:
      return (...args) => run(machine, map, ...args);
  }
}
