/** Values of C types as values of JavaScript. */

export { TypedMap } from './typed-map.ts';
