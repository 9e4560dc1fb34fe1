export { Decisions, ProgramDecisions } from './decide.ts';
export { fitsAbove, placeMembers } from './frames.ts';
export { Functions } from './functions.ts';
export { type Lifted, liftProgram } from './lift.ts';
export { lower } from './lower.ts';
export { removeUnused } from './remove.ts';
