/** From an ELF file to `BpfObject`. */

export { type ReadOptions, readObject } from './read.ts';
