export { isHidden, openProgramById, programFacts } from './programs.ts';
