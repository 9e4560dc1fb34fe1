/** The memory of linking: inputs and columns. */

export { Image } from './image.ts';
export { CORE_INFO, FAULT, FUNCTION_INFO, HEADER, LINE_INFO, NAME, SECTION, TYPE, UNIT } from './layout.ts';
export { byte, copy, half, setWord, word } from './memory.ts';
export { addRows, alloc, fault, intern } from './tables.kernel.ts';
