/** The memory of linking: inputs and columns. */

export { Image } from './image.ts';
export { ATOM, NAME, RECORD, REFERENCE, SHELL, TYPE, UNIT } from './layout.ts';
