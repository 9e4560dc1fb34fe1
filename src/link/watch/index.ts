export { COUNTS_MAP, canWatch, NO_MEMBER } from './layout.ts';
export {
  BEGIN_WATCHED,
  branchOnSwitch,
  decidedBy,
  LOAD_VERDICT,
  traceSteps,
  unlessTraced,
  verdictIs,
  type WatchedType,
  watchedCall,
  watchedType,
} from './steps.ts';
export { WatchObjects } from './symbols.ts';
export { canTrace } from './with-counters.ts';
