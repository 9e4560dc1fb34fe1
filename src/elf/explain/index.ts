export { explainElf } from './explain.ts';
