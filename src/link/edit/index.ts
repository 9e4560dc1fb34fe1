/** Edits of symbols and sections, as objcopy and ld do them. */

export type { AliasRequest } from './defsym.ts';
export { editResult, InputEdits, inputEdits } from './edit.ts';
export type { Edited } from './rename.ts';
export { type EditOptions, parseSelector, type SelectedRename, type Selector } from './requests.ts';
