/** Several type sections as one without duplicates. */

export type { MergeEdit, MergeInput, MergeTarget } from './input.ts';
export { type MergeResult, mergeBtf } from './merge.ts';
