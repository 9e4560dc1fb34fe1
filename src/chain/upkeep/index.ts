export { type ChainTrouble, examineChains, repairChains } from './examine.ts';
