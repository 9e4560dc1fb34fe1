export {
  COUNTS_MAP,
  type Counters,
  canWatch,
  counterLayout,
  decodeCounters,
  decodeTrace,
  isWatchMap,
  NO_MEMBER,
  TRACE_MAP,
  type VerdictCount,
  WATCH_COUNT,
  WATCH_SECTION,
  WATCH_TIME,
  WATCH_TRACE,
  WatchWords,
} from './layout.ts';
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
export { canTrace, withCounters } from './with-counters.ts';
