export { processedInstructions } from './budget.ts';
export { loadVariants, type OptimizedVariant } from './ladder.ts';
export { NOT_OPTIMIZED, type OptimizeSetting } from './setting.ts';
