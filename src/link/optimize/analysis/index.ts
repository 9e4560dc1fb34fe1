export { BitRows, filled, intAt } from './integers.ts';
export { LiveSet } from './live-set.ts';
export { type Liveness, livenessOf } from './liveness.ts';
export { loopDepths } from './loop-depth.ts';
export { LAST_CLOBBERED, MAX_READS, readRegisters } from './reads.ts';
