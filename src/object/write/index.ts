/** From `BpfObject` to an ELF file. */

export { renumberTypes, stripDataSections } from './strip-data-sections.ts';
export { writeObject } from './write.ts';
