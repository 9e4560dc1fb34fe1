export { processedInstructions } from './budget.ts';
export { firstVariant, loadVariants, noFunction, type OptimizedVariant } from './ladder.ts';
export {
  describeOptimizeSetting,
  functionsIn,
  isSameOptimizeSetting,
  NOT_OPTIMIZED,
  OPTIMIZED,
  type OptimizeSetting,
} from './setting.ts';
