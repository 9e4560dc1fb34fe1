export type { ProgramFacts } from './chain.ts';
