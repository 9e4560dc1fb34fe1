/** Numbers in columns that stand for words: the kinds of atoms and references that `layout.ts` lists. */

/** `ATOM.kind`. */
export const ATOM_KIND = { function: 0, variable: 1, map: 2, extern: 3 } as const;

/** `ATOM.binding`. */
export const ATOM_BINDING = { local: 0, global: 1, weak: 2 } as const;

/** `SHELL.role`. */
export const SHELL_ROLE = { code: 0, data: 1, maps: 2 } as const;

/** `REFERENCE.kind`: in code; in data, one more for 8 bytes. */
export const REFERENCE_KIND = { call: 0, address: 1, data: 2, dataWide: 3, code: 4, codeWide: 5 } as const;
