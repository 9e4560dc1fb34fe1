/** Names of what instructions refer to, as listings and pictures show them. */

import { type BpfObject, type CodeReference, type SymbolIndex, sectionNameOf } from '../model/index.ts';

/** `name`, `name+8`; an anonymous piece of data by its section. */
export function referenceText(object: BpfObject, { symbol, addend }: CodeReference): string {
  const target = object.symbols[symbol];
  const name = target === undefined || target.name === '' ? anonymousName(object, symbol) : target.name;
  return addend === 0 ? name : `${name}+${addend}`;
}

function anonymousName(object: BpfObject, index: SymbolIndex): string {
  const target = object.symbols[index];
  return target === undefined || target.kind === 'extern'
    ? '?'
    : `${sectionNameOf(object, target)}[${index}]`;
}
