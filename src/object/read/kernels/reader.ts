/**
 * What the kernels that read objects keep between calls: words of one block of memory, whose word index is
 * HEADER.reader.
 */

export const READER = {
  /** NAMEs that mean something. */
  text: 0,
  btf: 1,
  ext: 2,
  maps: 3,
  jumpTables: 4,
  license: 5,
  version: 6,
  legacyMaps: 7,
  bss: 8,
  extern: 9,

  /** What the last relocation or call leads to: bytes from the start of the atom (see REFERENCE.addend, high). */
  addend: 12,
  high: 13,

  /** Of the unit. 1: some symbols are at one place; places that something refers to are known; so are entries. */
  shared: 16,
  addressed: 17,
  entries: 18,
  /** 1: code without a symbol was found; other names of maps are left out; it has jump tables. */
  holes: 19,
  mapNames: 20,
  hasJumpTables: 21,
  hasLegacyMaps: 27,
  /** Number of aliases; of functions whose FUNC is static and has another name. */
  aliases: 22,
  renamed: 23,
  /** Row of UNIT.symbols of the unit. */
  firstSymbol: 26,
  /** The last of these words. */
  lastOfUnit: 27,
  /** Number of symbols of size 0 that have types; of tentative definitions. */
  empty: 24,
  commons: 25,

  /** Buffers: word index, and number of words that there is memory for. */
  /** Rows of SYMBOL by section, in order of place; by section, where they begin. */
  order: 32,
  orderFirst: 34,
  /** By symbol: value and size as keys of sorting; 1: BTF describes it as what is at its place. */
  values: 36,
  sizes: 38,
  described: 40,
  /** By section: first row of ATOM, and the row after the last. */
  atoms: 42,
  atomsEnd: 44,
  /** Offsets of data that something refers to, as keys of sorting; their indexes by section, in order; where those begin. */
  offsets: 46,
  offsetOrder: 74,
  offsetsFirst: 48,
  /** Rows of FUNCTION_INFO by section and offset. */
  infos: 50,
  /** Relocations in order of place, while they are put in order. */
  sorted: 52,
  keys: 54,
  /** By type: its NAME, the next one of that name (BtfId), NAME of the DATASEC that lists it; 1: an atom has it. */
  names: 56,
  next: 58,
  listed: 60,
  taken: 62,
  /** Static variables of a section: BtfIds, offsets, positions in order of offset. */
  statics: 64,
  staticOffsets: 66,
  staticOrder: 68,
  /** By row of CORE_INFO of the unit: row of ATOM. */
  owners: 70,
  scratch: 72,
  /** By the first type of a name: what was found among those of that name. */
  found: 76,

  /** Number of words. */
  size: 96,
} as const;
