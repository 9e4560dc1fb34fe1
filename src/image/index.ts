/** The memory of linking: inputs and columns. */

export { Image } from './image.ts';
export * from './layout.ts';
