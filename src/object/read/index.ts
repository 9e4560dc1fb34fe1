/** From an ELF file to `BpfObject`. */

export { InputObject, type ObjectFile } from './input.ts';
export { type ReadOptions, readObject } from './read.ts';
