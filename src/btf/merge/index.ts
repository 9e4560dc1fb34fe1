/** Several type sections as one without duplicates. */

export { exportTypes, importTypes } from './import.ts';
export type { MergeInput } from './input.ts';
export { type MergeResult, mergeBtf } from './merge.ts';
