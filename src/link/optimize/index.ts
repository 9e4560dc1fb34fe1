export { optimize } from './optimize.ts';
export type { InlineScope, Optimized, OptimizeReport } from './options.ts';
