/** Values of C types as values of JavaScript. */

export { type TypedEntry, TypedMap } from './typed-map.ts';
