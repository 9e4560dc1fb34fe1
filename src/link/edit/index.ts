/** Edits of symbols and sections, as objcopy and ld do them. */

export {
  globalizeSymbols,
  hideSymbols,
  keepGlobalSymbols,
  localizeSymbols,
  weakenSymbols,
} from './binding.ts';
export { type AliasRequest, defineAliases } from './defsym.ts';
export { InputSurgery, operateOnResult } from './edit.ts';
export { type Operated, prefixSymbols, redefineSymbols, type SymbolRename } from './rename.ts';
export { parseSelector, type SelectedRename, type Selector, type SurgeryOptions } from './requests.ts';
export { renameSections } from './sections.ts';
export { wrapSymbols } from './wrap.ts';
