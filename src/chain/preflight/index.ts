export { requireReady } from './preflight.ts';
export { modeClash } from './rules.ts';
