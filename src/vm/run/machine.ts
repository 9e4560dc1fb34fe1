/**
 * The embedded BPF machine: an object's programs, compiled to WebAssembly, with maps and packets.
 *
 * A machine is deterministic: the same object, options, packets and calls give the same results. It needs no
 * privileges and no kernel, and runs wherever WebAssembly does.
 */

import { limitOf, requireLimits, requireOptions } from '../../diag/index.ts';
import type { BpfObject, ObjectTypes } from '../../object/index.ts';
import { requireObject } from '../../object/index.ts';
import { compile } from '../compile/index.ts';
import { compileModule, compileModuleAsync } from '../wasm/index.ts';
import type { Machine, MachineOptions } from './api.ts';
import { planMachine } from './plan.ts';
import { RunningMachine } from './running.ts';
import { compileInput, type PreparedMachine, prepareMemory } from './setup.ts';
import { isWatched, watched } from './watcher.ts';

/**
 * Makes a machine for an object. Throws `RootletError` with all that cannot work. Compiles at once, which
 * browsers do not allow for large programs on their main thread; `createMachineAsync` has no such limit. `Types` are
 * names and types of the object, as `rootlet types` writes them.
 */
export function createMachine<Types extends ObjectTypes = ObjectTypes>(
  object: BpfObject,
  options: MachineOptions = {},
): Machine<Types> {
  const prepared = prepare(object, options);
  return watched(new RunningMachine<Types>(prepared, compileModule(prepared.compiled.bytes), options));
}

/** As `createMachine`, compiled in the background: for large programs on the main thread of a browser. */
export async function createMachineAsync<Types extends ObjectTypes = ObjectTypes>(
  object: BpfObject,
  options: MachineOptions = {},
): Promise<Machine<Types>> {
  const prepared = prepare(object, options);
  return watched(
    new RunningMachine<Types>(prepared, await compileModuleAsync(prepared.compiled.bytes), options),
  );
}

function prepare(object: BpfObject, options: MachineOptions): PreparedMachine {
  requireObject('createMachine: object', object);
  requireOptions('createMachine: options', options);
  requireLimits(options.limits);
  const plan = planMachine(object, {
    program: options.program,
    kind: options.kind,
    maxMemory: options.maxMemory ?? limitOf(options.limits, 'machine'),
    maxEntries: options.maxEntries ?? new Map(),
    coverage: options.coverage === true || isWatched(),
  });
  const prepared = prepareMemory(object, plan, options.kconfig ?? new Map());
  return { object, plan, prepared, compiled: compile(compileInput(object, plan, prepared)) };
}
