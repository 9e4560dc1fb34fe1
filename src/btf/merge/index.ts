/** Several type sections as one without duplicates. */

export type { MergeInput } from './input.ts';
export { type MergeResult, mergeBtf, mergeUnits } from './merge.ts';
