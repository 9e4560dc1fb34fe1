/** Edits of symbols and sections, as objcopy and ld do them. */

export {
  globalizeSymbols,
  hideSymbols,
  keepGlobalSymbols,
  localizeSymbols,
  weakenSymbols,
} from './binding.ts';
export { type AliasRequest, defineAliases } from './defsym.ts';
export { editResult, InputEdits } from './edit.ts';
export { type Edited, prefixSymbols, redefineSymbols, type SymbolRename } from './rename.ts';
export { type EditOptions, parseSelector, type SelectedRename, type Selector } from './requests.ts';
export { renameSections } from './sections.ts';
export { wrapSymbols } from './wrap.ts';
