/** Several type sections as one without duplicates. */

export { type MergeResult, mergeBtf, mergeTypesOfUnits, sameUnitTypes } from './merge.ts';
