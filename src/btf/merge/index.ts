/** Several type sections as one without duplicates. */

export { type MergeResult, mergeBtf, mergeTypesOfUnits, mergeUnits, sameUnitTypes } from './merge.ts';
