/**
 * Machines of tests: as others, but `rootlet test --coverage` takes their coverage when the process of the tests ends. It
 * says so by a function on the global object, since tests may import another copy of rootlet than the command is.
 */

import type { BpfObject, ObjectTypes } from '../../object/index.ts';
import { createMachine, type Machine, type MachineOptions } from '../run/index.ts';

/** Name of the symbol of that function, which gets each machine. */
export const MACHINE_WATCHER = 'rootlet.test.machine';

/** As `createMachine` of `rootlet/vm`; with `rootlet test --coverage` it counts lines whatever the options are. */
export function createTestMachine<Types extends ObjectTypes = ObjectTypes>(
  object: BpfObject,
  options: MachineOptions = {},
): Machine<Types> {
  const watch: unknown = Reflect.get(globalThis, Symbol.for(MACHINE_WATCHER));
  if (typeof watch !== 'function') return createMachine<Types>(object, options);
  const machine = createMachine<Types>(object, { ...options, coverage: true });
  watch(machine);
  return machine;
}
