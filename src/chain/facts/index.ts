export { openProgramById, programFacts } from './programs.ts';
