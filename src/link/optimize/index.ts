export type { Passes } from './passes.ts';
