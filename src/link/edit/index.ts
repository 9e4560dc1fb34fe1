/** Edits of symbols and sections, as objcopy and ld do them. */

export type { AliasRequest } from './defsym.ts';
export { InputSurgery, operateOnResult } from './edit.ts';
export { parseSelector, type SelectedRename, type Selector, type SurgeryOptions } from './requests.ts';
