export { executeOnKernel } from './execute.ts';
export { typesOutlook } from './outlook.ts';
