export {
  findGlobal,
  type GlobalPlace,
  globalsAsProperties,
  globalsKind,
  type SectionBytes,
  SectionGlobals,
  untypedBytes,
  writeGlobal,
} from './globals.ts';
export type { NameIn, ObjectTypes } from './object-types.ts';
export { elementTypes, TypedMap } from './typed-map.ts';
