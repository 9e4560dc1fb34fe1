/** Functions that every compiled module has beside those of its programs. */

import type { ModuleBuilder } from '../../wasm/index.ts';
import type { ModulePlan, RuntimeFunctions } from './emitter.ts';
import { emitCheckRange, emitCheckText, emitFaultAt, emitNumber } from './runtime-checks.ts';
import { emitLoop } from './runtime-loop.ts';

export function declareRuntime(module: ModuleBuilder): RuntimeFunctions {
  return {
    faultAt: module.declare(),
    checkRange: module.declare(),
    checkText: module.declare(),
    mapNumber: module.declare(),
    callbackIndex: module.declare(),
    loop: module.declare(),
  };
}

export function emitRuntime(plan: ModulePlan): void {
  emitFaultAt(plan);
  emitCheckRange(plan);
  emitCheckText(plan);
  const { memory, runtime } = plan;
  const descriptors = memory.descriptorCount * memory.descriptorSize;
  emitNumber(plan, runtime.mapNumber, memory.descriptors, descriptors, memory.descriptorSize);
  emitNumber(plan, runtime.callbackIndex, memory.functions, memory.callbacks * 8, 8);
  emitLoop(plan);
}
