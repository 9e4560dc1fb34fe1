export type {
  InlinedCall,
  InlineScope,
  KeptCall,
  Optimized,
  OptimizeOptions,
  OptimizeReport,
  ProgramOptimization,
} from './options.ts';
export { ALL_PASSES, type Passes } from './passes.ts';
export { Refusal } from './refusal.ts';
