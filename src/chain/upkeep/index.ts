export { type ChainRest, type CleanReport, cleanChains } from './clean.ts';
