export { clean } from './clean.ts';
export { mergeRanges } from './ranges.ts';
export { simplify } from './simplify.ts';
export { mergeTails } from './tails.ts';
