/** From an ELF file to `BpfObject`. */

export { InputObject, type ObjectFile } from './input.ts';
export type { ReadOptions } from './options.ts';
export { readObject } from './read.ts';
