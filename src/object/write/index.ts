/** From `BpfObject` to an ELF file. */

export { importObject } from './import.ts';
export { retypedInput } from './retyped-input.ts';
export { renumberTypes, stripDataSections } from './strip-data-sections.ts';
export { writeObject } from './write.ts';
