export {
  type ChainRest,
  type CleanOptions,
  type CleanReport,
  cleanChains,
  type Judged,
  judged,
  lockedIfThere,
  restOf,
} from './clean.ts';
