/** From an ELF file to `BpfObject`. */

export { InputObject, type ObjectFile } from './input.ts';
export type { ReadOptions } from './options.ts';
export { readObject, readPlaced } from './read.ts';
