export { clean } from './clean.ts';
export { simplify } from './simplify.ts';
export { mergeTails } from './tails.ts';
