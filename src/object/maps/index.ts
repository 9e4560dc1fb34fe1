export { mapRefusals } from './check.ts';
export { completeMap, countsCpus, kernelEntries, kernelValueSize } from './complete.ts';
export { mapFlagNeeds, mapFlagsText } from './flags.ts';
export { type MapCallRefusal, mapCallRefusal, mapRegister } from './helpers.ts';
export { isPerCpu } from './per-cpu.ts';
export { holdsRecords, recordType } from './records.ts';
export type { MapMachine, MapRefusal, MapShape } from './shape.ts';
export { takesTypes, typesRefusal } from './types.ts';
