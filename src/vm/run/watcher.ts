/**
 * `rootlet test --coverage` takes the coverage of all machines when the process of the tests ends. It asks for that by a
 * function on the global object, since tests may import another copy of rootlet than the command is.
 */

import type { Machine } from './api.ts';

/** Name of the symbol of that function, which gets each machine. */
export const MACHINE_WATCHER = 'rootlet.test.machine';

type Watcher = (machine: Pick<Machine, 'coverage'>) => void;

function findWatcher(): Watcher | undefined {
  const found: unknown = Reflect.get(globalThis, Symbol.for(MACHINE_WATCHER));
  return typeof found === 'function' ? (found as Watcher) : undefined; // who sets it reads it here
}

/** Whether machines count lines that were not asked to. */
export function isWatched(): boolean {
  return findWatcher() !== undefined;
}

/** The machine. */
export function watched<M extends Pick<Machine, 'coverage'>>(machine: M): M {
  findWatcher()?.(machine);
  return machine;
}
