export { Decisions, ProgramDecisions } from './decide.ts';
export { Functions } from './functions.ts';
export { liftProgram } from './lift.ts';
export { lower } from './lower.ts';
export { removeUnused } from './remove.ts';
