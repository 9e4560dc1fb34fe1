export { typesCompatible, typesMatch } from './compat.ts';
export * from './kinds.ts';
export { essentialName, TypeFinder } from './names.ts';
export { BAD_RELOCATION } from './patch.ts';
export * from './relocate.ts';
export { type AccessSpec, formatSpec, parseSpec } from './spec.ts';
