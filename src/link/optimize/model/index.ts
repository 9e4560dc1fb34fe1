export {
  type InlinedCall,
  type InlineScope,
  type KeptCall,
  NO_GAIN,
  type Optimized,
  type OptimizeOptions,
  type OptimizeReport,
  type ProgramOptimization,
} from './options.ts';
export { ALL_PASSES, type Passes } from './passes.ts';
export { Refusal } from './refusal.ts';
