/** The functions that a compiled module imports, bound to one machine. */

import { bugError } from '../../diag/index.ts';
import { mapCallRefusal } from '../../object/index.ts';
import { type HelperImport, needsMapSite } from '../compile/analysis/index.ts';
import type { Helper, HelperFunction } from '../helpers/index.ts';
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
  if (map !== null) return bindMap(helper.run, machine, map, arity);
  const plain = bindPlain(helper.run, machine, arity);
  return needsMapSite(helper, false) ? checkingMap(helper, machine, plain) : plain;
}

/** The first argument is the map, the last one the site of the call. */
function checkingMap(
  helper: Helper,
  machine: MachineState,
  run: (...args: number[]) => number,
): (...args: number[]) => number {
  return (...args) => {
    const [map = -1, site = -1] = [args[0], args.at(-1)];
    const definition = machine.maps[map]?.definition;
    const refused = definition === undefined ? undefined : mapCallRefusal(helper.id, definition);
    if (refused === undefined) return run(...args);
    const message = `is called with ${refused.map}, which the kernel refuses`;
    return machine.fail(site, 'vm-map-helper', message, refused.hint);
  };
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
