/** The memory of linking: inputs and columns. */

export { Image } from './image.ts';
export { ATOM, FAULT, GROUP, NAME, RECORD, REFERENCE, SHELL, TYPE, UNIT } from './layout.ts';
