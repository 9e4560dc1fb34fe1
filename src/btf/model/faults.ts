/**
 * What the kernels of this layer refuse, by number. `a` to `d` are operands; offsets are in the section that
 * is read. Texts: `src/btf/binary/explain.ts` and `src/btf/model/explain.ts`.
 */

export const TYPE_FAULT = {
  /** Header. a: bytes of the section. */
  sectionTooLarge: 200,
  headerCut: 201,
  /** a: the number. */
  magic: 202,
  version: 203,
  flags: 204,
  /** a: length of the header, b: bytes of the section. */
  headerLength: 205,
  /** a: length of the header. */
  headerMultiple: 206,
  /** a: offset of the field, b: length of the header. */
  unknownField: 207,
  /** a: offset after the header, b: bytes, c: bytes after the header. */
  typeRange: 208,
  stringRange: 209,
  layoutRange: 210,
  /** a: offset after the header, b: bytes. */
  typeMultiple: 211,
  overlap: 212,
  /** a: offset. */
  firstString: 213,
  lastString: 214,
  /** a: id, b: its first word among those of the types, c: offset of the types. */
  typeCut: 215,
  kindUnknown: 216,
  elementsCut: 217,

  /** Rules of types, and `kindUnknown`. a: id, b: number of elements. */
  elements: 220,
  /** a: id. */
  kindFlag: 221,
  noName: 222,
  needlessName: 223,
  /** a: id, b: the other id. */
  typeId: 224,
  referenceKind: 225,
  /** a: id, b: offset of the string. */
  nameOffset: 226,
  nameEncoding: 227,
  /** a: id, b: size. */
  size: 228,
  /** a: id, b: bits. */
  intTooWide: 229,
  /** a: id, b: bits, c: bytes. */
  intFit: 230,
  /** a: id, b: the word. */
  intEncoding: 231,
  /** a: id, b: linkage. */
  linkage: 232,
  /** a: id, b: target, c: component. */
  tagComponent: 233,
  /** a: id, b: word index of the ids of the path, c: how many. */
  cycle: 234,
  /** a: id, b: element. */
  arrayElement: 235,
  /** a: id, b: index. */
  arrayIndex: 236,
  /** a: id, b: part. */
  placeSize: 237,
  /** a: id, b: number of the member. */
  memberType: 238,
  memberOffset: 239,
  bitField: 240,
  /** a: id. */
  pointerCycle: 241,

  /** Records. a: offset after the header, b: bytes, c: length of the header, d: bytes of the section. */
  blockRange: 250,
  /** a: offset. */
  recordSizeCut: 251,
  /** a: offset, b: record size, c: least record size. */
  recordSize: 252,
  /** a: offset. */
  runCut: 253,
  /** a: offset, b: number of records, c: record size, d: bytes that are left. */
  recordsCut: 254,
  /** a: offset, b: offset of the string. */
  recordString: 255,
  /** a: offset, b: offset of the instruction, c: NAME of the section. */
  instructionOffset: 256,
  /** a: offset, b: type. */
  functionType: 257,
  recordType: 258,
  /** a: offset, b: kind. */
  coreKind: 259,
  /** a: offset, b: offset of the access string. */
  coreAccess: 260,
  /** a: offset, b: type. */
  coreType: 261,
} as const;
