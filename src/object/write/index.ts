/** From `BpfObject` to an ELF file. */

export { dataSectionsOf } from './data-sections.ts';
export { importObject } from './import.ts';
export { layOut, layoutSections, type ObjectLayout, type SectionLayout } from './layout.ts';
export { retypedInput } from './retyped-input.ts';
export { renumberTypes, stripDataSections } from './strip-data-sections.ts';
export { encodeObject, writeObject } from './write.ts';
