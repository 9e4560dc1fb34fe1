/** Whether two types agree, and where they differ. */

export { compareTypes } from './compare.ts';
export type { TypeMismatch } from './mismatch.ts';
export { typeOutline } from './outline.ts';
export { CompareSession, compareSession } from './session.ts';
export { compareTagSets, TagIndex } from './tags.ts';
