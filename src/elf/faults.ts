/**
 * What the kernels refuse in an ELF file: codes of FAULT, with the meaning of their operands `a` and `b`.
 *
 * `explain/` makes problems of them.
 */

export const ELF_FAULT = {
  /** The file header. */
  notBpf: 100,
  version: 101, // a: the version
  headerSize: 102, // a: e_ehsize
  noTable: 103,
  tableEntrySize: 104, // a: e_shentsize
  tableOutside: 105,
  tablePlace: 106,
  nullSection: 107,
  noSections: 108,
  sectionsOutside: 109,
  tooManySections: 110, // a: how many

  /** Section headers. a: index of the section. */
  fieldTooLarge: 111, // b: word of the field in Elf64_Shdr
  sectionOutside: 112,
  overlap: 113,
  noNameTable: 114, // a: e_shstrndx
  nameTableType: 115,

  /** Names. a: index of what is named, b: offset of the name; of symbols when they have been opened. */
  nameOffset: 116,
  nameUnterminated: 117,
  nameBudget: 118,
  nameEncoding: 119,

  /** Rules of sections. a: index of the section. */
  sectionName: 120,
  typeSection: 121,
  sectionType: 122,
  compressed: 123,
  threadLocal: 124,
  sectionAlign: 125,
  sectionSize: 126,
  codeContents: 127,
  codeSize: 128,
  duplicateName: 129, // b: index of the earlier section

  /** Tables. a: index of the section. */
  entrySize: 130, // b: bytes that its entries should have
  entryMultiple: 131, // b: the same
  noSymbolTable: 132,
  twoSymbolTables: 133, // b: index of the second
  symbolNames: 134,
  indexTable: 135,

  /** Symbols. a: index of the symbol. */
  reservedSection: 140, // b: st_shndx
  noIndexTable: 141,
  indexedSection: 142, // b: its extended section index
  nullSymbol: 143,
  undefinedLocal: 144,
  undefinedTyped: 145,
  symbolType: 146,
  symbolBinding: 147,
  symbolVisibility: 148,
  symbolName: 149,
  symbolSection: 150,
  sectionSymbol: 151,
  symbolRange: 152,
  reservedRange: 153,
  commonSymbol: 154,
  functionSection: 155,
  functionEmpty: 156,
  functionPlace: 157,

  /** Relocations. a: index of their section. */
  relocationSymbols: 160,
  relocationTarget: 161,
  relocationName: 162,
  relocationContents: 163,
  relocationGnu: 164, // b: index of the relocation, also below
  relocationType: 165,
  relocationOffset: 166,
  relocationPlace: 167,
  relocationSymbol: 168,
  relocationTwice: 169, // b: index of the second relocation of its offset

  /** Groups. a: index of the section. */
  groupSize: 180,
  groupSignature: 181,
  groupMember: 182, // b: index of the member
  groupTaken: 183, // b: the same
  groupName: 184,
} as const;
