export { executeOnKernel } from './execute.ts';
