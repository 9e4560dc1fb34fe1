export { INLINE_SCOPES, isInlineScope, requireOptimization, unknownNames } from './arguments.ts';
export { optimize } from './optimize.ts';
export type {
  InlinedCall,
  InlineScope,
  KeptCall,
  Optimized,
  OptimizeOptions,
  OptimizeReport,
  ProgramOptimization,
} from './options.ts';
export type { Passes } from './passes.ts';
export { Refusal } from './refusal.ts';
