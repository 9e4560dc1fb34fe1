export { COUNTS_MAP, type Counters, NO_MEMBER, TRACE_MAP, type VerdictCount, WATCH_COUNT, WATCH_SECTION, WATCH_TIME, WatchWords, canWatch, counterLayout, decodeCounters, decodeTrace } from './layout.ts';
export { BEGIN_WATCHED, LOAD_VERDICT, type WatchedType, branchOnSwitch, decidedBy, traceSteps, unlessTraced, verdictIs, watchedCall, watchedType } from './steps.ts';
export { WatchObjects } from './symbols.ts';
export { canTrace } from './with-counters.ts';
