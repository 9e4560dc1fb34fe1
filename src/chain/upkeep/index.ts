export { type CleanOptions, cleanChains, type Judged, judged, lockedIfThere, restOf } from './clean.ts';
