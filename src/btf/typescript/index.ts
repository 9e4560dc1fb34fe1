export { listOf, TypeScriptTypes } from './c-types.ts';
export { comment, literal, property } from './names.ts';
