/** Whether two types agree, and where they differ. */

export { compareTypes } from './compare.ts';
export type { TypeMismatch } from './mismatch.ts';
export { compareTagSets, TagIndex } from './tags.ts';
