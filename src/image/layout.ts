/**
 * The tables of an image, declared once: kernels and the rest of rootlet read their columns by these numbers.
 *
 * A table is a number of rows; a column has one 32-bit word for each row. The numbers here are words of the
 * image's header: `count` holds the number of rows, `room` for how many there is memory, `width` is the
 * number of columns, and each column's word holds the word index of its row 0. New rows are zero.
 *
 * Row 0 of a table is never used, so that 0 means "none" in columns that hold rows.
 */

/** Where a table is in the header. */
export type Table<Name extends string> = {
  /** Header word of the number of rows, row 0 included. */
  readonly count: number;
  /** Header word of the number of rows that there is memory for. */
  readonly room: number;
  /** Header word of the first column. */
  readonly first: number;
  /** Number of columns. */
  readonly width: number;
} & { readonly [N in Name]: number };

/** Numbers for names, one after the other. */
function numbered<const Names extends readonly string[]>(from: number, names: Names) {
  const pairs = names.map((name, index) => [name, from + index] as const);
  return Object.fromEntries(pairs) as { readonly [N in Names[number]]: number };
}

/** Header words of what is not in a table. */
export const HEADER = numbered(4, [
  'top', // byte address of the first free byte
  'limit', // bytes of memory
  'nameSlots', // byte address of the hash table of names: in each slot a NAME, or 0, and its hash
  'nameMask', // number of slots of that table less one
  'stringUnit', // row of UNIT whose strings NAME.string describes; 0: none
  'stringRoom', // bytes that there are for the strings of `stringUnit`
  'functionTypes', // 1: a type that `findSame` compared is made of a function, which may be redirected later
  'kindShapes', // word index of the shapes of kinds of types (`src/btf/model/shapes.kernel.ts`); 0: not there yet
  'stringsAt', // string table that names of sections or symbols are read from: byte address
  'stringsSize', // its bytes
  'stringsEnd', // offset of its last NUL; -1: none
  'stringsBudget', // bytes that further names of it may have together
  'stringsAscii', // 1: it is ASCII
  'reader', // word index of what reading objects keeps between calls (`src/object/read/kernels/reader.ts`); 0: not yet
  'lastName', // NAME that `nextTextName` found last; 0: none yet
  'mixPosition', // keys of hashes of numbers, odd (`keys.kernel.ts`)
  'mixValue',
  'textKey', // key of hashes of texts; 0: not drawn yet
  'namesKeyed', // 1: names are hashed by that key
  'spareAt', // byte address of memory that was used and is not any more, for `allocSpare`; a multiple of 16
  'spareSize', // its bytes
  'ownAt', // byte address of the words that TYPE.own refers to; 0: they are gone
  'ownSize', // their bytes
  'typeKinds', // byte address, by row of TYPE, of the kinds of what `findSame` compared last; 0: takes no part
  'fileNames', // bytes that the names of one string table of the file may have together that is scanned
  'btfLimit', // bytes that `.BTF` and `.BTF.ext` of a file may have (limit `btf`)
  'zerosLimit', // zeros of a section that may be written out (limit `zeros`)
]);

/** HEADER.mixPosition and HEADER.mixValue as long as none are drawn. */
export const PLAIN_POSITION = 0x9e3779b1;
export const PLAIN_VALUE = 0x85ebca6b;

const FIRST_TABLE = 64;
/** Words of the header; a page of memory. */
export const HEADER_WORDS = 1024;

let next = FIRST_TABLE;

function table<const Names extends readonly string[]>(names: Names): Table<Names[number]> {
  const [count, room, first] = [next, next + 1, next + 2];
  next = first + names.length;
  const columns = names.map((name, index) => [name, first + index] as const);
  return { count, room, first, width: names.length, ...Object.fromEntries(columns) } as Table<Names[number]>;
}

/** What a kernel refuses. `code` is a number of the kernel's own table; operands are what the code says. */
export const FAULT = table(['code', 'unit', 'a', 'b', 'c', 'd', 'e']);

/** Every name once: of symbols, sections and types. Row 0 is the empty name. */
export const NAME = table([
  'at', // byte address of its text, which a NUL ends
  'size', // bytes, without the NUL
  'string', // offset in the strings of HEADER.stringUnit; 0: not in them
  'lines', // row of LINE_INFO that was made last for a section of that name; 0: none
  'types', // first FUNC, VAR or DATASEC of that name (BtfId) of the unit whose types are being attached; else 0
  'entry', // BtfId that the DATASECs of the section whose variables are being attached have for that name; else 0
  'section', // row of SECTION that was read last with that name, without ignored ones, string tables and groups
  'follower', // NAME that `nextTextName` found after it last; 0: none yet
  'whole', // NAME that it is the end of, and in whose text it is; 0: has a text of its own
  'hashes', // word index of the hashes of its ends, by their offset; 0: not there yet
]);

/** A file that was read, an object that was imported, or a result. */
export const UNIT = table([
  'order', // 0 little-endian, 1 big-endian
  'flags', // e_flags
  'at', // byte address of the file's bytes (8-byte aligned); 0: not from a file
  'size', // bytes of the file
  'sections', // first row of SECTION; ELF section i is row sections + i
  'sectionCount', // with section 0
  'symbols', // first row of SYMBOL; ELF symbol i is row symbols + i
  'symbolCount',
  'symbolTable', // row of SECTION of .symtab; 0: none
  'shells', // first row of SHELL; SectionIndex i is row shells + i
  'shellCount',
  'atoms', // first row of ATOM; SymbolIndex i is row atoms + i
  'atomCount',
  'types', // row of TYPE of void; BtfId i is row types + i
  'typeCount', // without void
  'typed', // 1: the object has BTF (`btf !== null`)
  'words', // word index of the first word of its types; they are in id order, without gaps
  'wordCount',
  'strings', // byte address of the string table that its types, lines and access strings refer to
  'stringSize',
  'functionInfos', // first row of FUNCTION_INFO
  'functionInfoCount',
  'lineInfos', // first row of LINE_INFO
  'lineInfoCount',
  'coreInfos', // first row of CORE_INFO
  'coreInfoCount',
  'headers', // byte address of the ELF section headers, in host order
  'merged', // 1: its types are the result of merging, without duplicates and DATASECs
  'wholes', // word index of the long strings of its string table (`src/btf/model/texts.kernel.ts`); 0: not there yet
]);

/**
 * Sections of ELF files. Contents that are read: code and data are aligned to 8, tables and `.BTF` to 4; no
 * two sections share bytes; tables of ELF (symbols, relocations, groups) are in host order.
 */
export const SECTION = table([
  'unit',
  'name', // NAME
  'type', // SHT_*
  'flags', // SHF_*, low 32 bits
  'at', // byte address of the contents, aligned (a copy where the file's place is not); 0 without any
  'offset', // in the file
  'size',
  'link',
  'info',
  'align',
  'entsize',
  'relocations', // row of SECTION of its SHT_REL; 0: none
  'ignored', // 1: nothing in it is read; DWARF that is kept is not ignored
  'shell', // row of SHELL; 0: not kept
  'comdat', // NAME of the signature of its COMDAT group; 0: none
  'group', // row of SECTION of the group that it is a member of; 0: none
  'entsizeHigh', // the upper 32 bits of `sh_entsize`
]);

/** Symbols of ELF files. */
export const SYMBOL = table([
  'name', // NAME; 0: ''
  'value',
  'size',
  'type', // STT_*
  'binding', // STB_*
  'visibility', // STV_*
  'section', // ELF section index of its file, or SHN_ABS, SHN_COMMON
  'atom', // row of ATOM; 0: none
]);

/** Sections of objects (`SectionShell`). */
export const SHELL = table([
  'unit',
  'name', // NAME
  'type',
  'flags',
  'align', // of the section; at least 1
  'entsize',
  'role', // 0 code, 1 data, 2 maps
  'section', // row of SECTION that it came from; 0: none
  'merged', // row of SHELL of the result that it is a part of; 0: none yet
  'size', // bytes, once it is laid out
  'position', // 1-based ELF section of the output, once it is laid out; 0: without atoms
  'placedAlign', // once it is laid out: at least that of each atom
  'members', // word index of the rows of the atoms that are in it, in order of place
  'memberCount', // aliases are not counted
  'relocationCount', // of the output
  'next', // row of SHELL: the next of its unit with the same name, while it is written; 0: none
  'entsizeHigh', // the upper 32 bits of `sh_entsize`
]);

/** Functions that .BTF.ext describes. */
export const FUNCTION_INFO = table([
  'section', // NAME
  'offset', // bytes, in the section
  'type', // BtfId
]);

/** Line records that .BTF.ext has for one section, in order of offset. */
export const LINE_INFO = table([
  'section', // NAME
  'lines', // word index of the first record; 4 words each: byte offset, file, text, line and column (see placeWord)
  'lineCount',
]);

/** CO-RE relocations that .BTF.ext has. */
export const CORE_INFO = table([
  'section', // NAME
  'offset', // bytes, in the section
  'type', // BtfId
  'access', // byte offset in the strings of the unit
  'kind',
]);

/** Symbols of objects (`BpfSymbol`). */
export const ATOM = table([
  'unit',
  'kind', // 0 function, 1 variable, 2 map, 3 extern
  'name', // NAME; 0: ''
  'binding', // 0 local, 1 global, 2 weak
  'visibility', // 0 default, 1 hidden
  'shell', // row of SHELL; 0: extern
  'offset', // origin.offset: in the section that it was read from
  'size',
  'align',
  'at', // byte address of its bytes or code, references normalised; 0: null (NOBITS, extern)
  'type', // BtfId of its unit; 0: none
  'section', // of an extern: NAME of its DATASEC; 0: null
  'common', // 1: tentative definition
  'comdat', // NAME; 0: none
  'owner', // row of ATOM that it is an alias of; 0: none
  'references', // first row of REFERENCE, in order of place
  'referenceCount',
  'lines', // word index of its first line record (4 words each)
  'lineCount',
  'lineBase', // byte offset, in the records, of its first instruction
  'records', // first row of RECORD, in order of instruction
  'recordCount',
  'source', // row of UNIT whose strings its lines and records refer to, and whose name is origin.file
  'group', // row of GROUP; 0: takes no part in resolution
  'target', // row of ATOM that is chosen instead, itself when it is kept; 0: not decided, or left out
  'merged', // row of ATOM of the result; 0: none
  'place', // offset in the section of the output, once it is laid out
  'number', // ELF symbol of the output, once it is written; 0: none
  'next', // next row of ATOM of its group, in order of units; 0: it is the last
  'dropped', // 1: in a COMDAT group that another unit keeps; 2: a string that is in the result once
  'alias', // row of ATOM, once it is laid out: its first alias; 0: none
  'nextAlias', // row of ATOM, once it is laid out: the next alias of its owner; 0: none
]);

/** References in code and data (`CodeReference`, `DataReference`). */
export const REFERENCE = table([
  'kind', // 0 call, 1 address in code; 2 address of 4 bytes, 3 of 8 bytes in data; 4, 5: code-offset of 4, 8 bytes
  'place', // code: instruction slot of its function; data: byte offset in its variable
  'atom', // row of ATOM that it refers to
  'addend', // bytes
  'high', // what the addend is beyond 32 bits with sign, in units of 2^32; 0 but for absurd addends in data
]);

/** CO-RE relocations (`CoreRecord`). */
export const RECORD = table([
  'place', // instruction slot of its function
  'type', // BtfId of the unit of its function
  'access', // byte offset in the strings of ATOM.source
  'kind', // enum bpf_core_relo_kind
]);

/** Types. Row `UNIT.types + id` is type `id`; row `UNIT.types` is void. */
export const TYPE = table([
  'start', // word index of its first word: name offset in the unit's strings, info, size or type, …
  'same', // row of TYPE that represents it after deduplication, often itself; 0: not decided
  'redirect', // row of TYPE that takes its place; -1: left out; 0: kept
  'result', // BtfId of the result; 0: gone
  'own', // word index of a copy with NAMEs instead of offsets and rows instead of ids; 0: takes no part
]);

/** Names with several symbols, or one that takes part in resolution. */
export const GROUP = table([
  'name', // NAME
  'scope',
  'winner', // row of ATOM
  'defined', // 1: the winner is a definition
  'strong', // 1: at least one extern is not weak
  'hidden', // 1: any of them is hidden
  'clashing', // 1: several strong definitions that are not one
  'members', // number of symbols
  'first', // first row of ATOM of its symbols
  'last',
  'other', // row of GROUP of the same name in another scope; 0: no further one
]);

/** ELF files that are written. */
export const OUTPUT = table([
  'order', // 0 little-endian, 1 big-endian
  'flags', // e_flags
  'sections', // first row of OUTPUT_SECTION, of the null section
  'sectionCount', // with the null section
  'symbols', // word index of the rows of ATOM that are symbols, in order of the file
  'symbolCount', // those that have a row of ATOM: without the null symbol and those of sections
  'localCount', // symbols of sections and other local ones
  'shells', // sections that come from SHELL: they are first, and their symbols too
  'headers', // offset of the section headers
  'size', // bytes
  'at', // byte address of the file; 0 before there is one
  'strings', // row of UNIT that has its .strtab as strings
  'types', // row of TYPE_OUTPUT; 0: none
]);

/** Sections of ELF files that are written. */
export const OUTPUT_SECTION = table([
  'name', // offset in .strtab
  'type',
  'flags',
  'link',
  'info',
  'align',
  'entsize',
  'size',
  'offset', // in the file, once it is laid out
  'shell', // row of SHELL of contents, or whose relocations it has; 0: none
  'entsizeHigh', // the upper 32 bits of `sh_entsize`
]);

/** Contents of `.BTF` and `.BTF.ext` that are written, in host order. */
export const TYPE_OUTPUT = table([
  'strings', // row of UNIT that has the strings
  'words', // word index of the types
  'wordCount',
  'room', // words that there is memory for
  'cache', // word index of addresses of strings that were put, and of their offsets
  'ext', // word index of the first block of .BTF.ext
  'extEnd', // word index after the last word
  'functions', // bytes of each block
  'lines',
  'relocations',
  'block', // word index of the record size of the block that is being written
  'run', // word index of the name of the section whose records are being written
]);

/**
 * Bytes of files for each row, less than in most of them: of tables that have many rows when many files are linked, with
 * those of the result.
 */
export const ROWS_IN_FILES: readonly (readonly [table: Table<never>, bytes: number])[] = [
  [NAME, 96],
  [SECTION, 384],
  [SYMBOL, 160],
  [SHELL, 1024],
  [FUNCTION_INFO, 384],
  [CORE_INFO, 384],
  [ATOM, 96],
  [REFERENCE, 96],
  [RECORD, 384],
  [TYPE, 64],
  [GROUP, 192],
];

/** All tables by name, for tools and tests. */
export const TABLES = {
  FAULT,
  NAME,
  UNIT,
  SECTION,
  SYMBOL,
  SHELL,
  FUNCTION_INFO,
  LINE_INFO,
  CORE_INFO,
  ATOM,
  REFERENCE,
  RECORD,
  TYPE,
  GROUP,
  OUTPUT,
  OUTPUT_SECTION,
  TYPE_OUTPUT,
} as const;

/** Header words that are in use. */
export const HEADER_USED = next;
