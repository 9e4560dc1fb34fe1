/** Whether two types agree, and where they differ. */

export { type CompareOptions, compareTypes } from './compare.ts';
export type { TypeMismatch } from './mismatch.ts';
export { compareTagSets, TagIndex } from './tags.ts';
