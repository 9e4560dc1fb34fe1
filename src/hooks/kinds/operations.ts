/** Hooks of struct_ops: what is attached there is not a program but a map of programs. */

import { attachStructOps, writeOperations } from '../../kernel/index.ts';
import { type LoadedObject, tableValue } from '../../load/index.ts';
import type { Hook, Occupant } from './hook.ts';
import { hookOf } from './loose.ts';

/**
 * Registers a struct_ops map (a variable in SEC(".struct_ops") or SEC(".struct_ops.link")) with the kernel.
 * Without a link it stays registered until `detach()`. Throws `load-no-map`, `load-no-operations`,
 * `kernel-attach`.
 */
export function attachOperations(object: LoadedObject, name: string): Hook {
  const map = object.map(name);
  return hookOf(attachStructOps(map.sys, map, tableValue(object, name)));
}

/** Writes a struct_ops map, ready for `Hook.update()` (since Linux 6.4). Throws as `attachOperations`. */
export function prepareOperations(object: LoadedObject, name: string): Occupant {
  const map = object.map(name);
  writeOperations(map.sys, map, tableValue(object, name));
  return map;
}
