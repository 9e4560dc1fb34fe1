/**
 * A provider's object as a part of a composed one: no programs, data sections under names of their own, maps
 * without contents.
 *
 * Separate from the composition, which treats all parts alike.
 */

import { isSingle, withTextSection } from '../../link/index.ts';
import type { BpfObject, BpfSymbol, SymbolIndex } from '../../object/index.ts';
import { withOwnNames } from './own-sections.ts';
import type { Provider } from './provider.ts';

/** A symbol of the consumer that becomes one of a provider. */
export interface Join {
  readonly extern: SymbolIndex;
  readonly provider: Provider;
  /** Symbol of the provider's object. */
  readonly target: SymbolIndex;
  /**
   * The function becomes a static one: the verifier then follows calls of it instead of trusting its
   * prototype.
   */
  readonly asStatic?: boolean;
}

export interface Part {
  readonly object: BpfObject;
  /** Section name in the result → section name in the provider. */
  readonly sections: ReadonlyMap<string, string>;
}

/** `label`: what the names of its data sections end in. */
export function preparePart(provider: Provider, label: string, joins: readonly Join[]): Part {
  const { object, name } = provider;
  const { sections: shells, text } = withTextSection(object);
  const { sections, names } = withOwnNames(shells, label);
  const direct = joins.filter(join => join.provider === provider);
  const statics = new Set(direct.flatMap(({ asStatic, target }) => (asStatic === true ? [target] : [])));
  const code = givesCode(object, direct);
  const symbols = object.symbols.map((symbol, index): BpfSymbol => {
    const moved = partSymbol(symbol, text);
    // loaders make hidden functions static
    const seen = statics.has(index) ? { ...moved, visibility: 'hidden' as const } : moved;
    return code ? seen : withoutSingle(object, seen);
  });
  return { object: { ...object, sections, symbols, name }, sections: names };
}

/** Whether functions of the provider may end up in the result; then its license counts. */
function givesCode(object: BpfObject, direct: readonly Join[]): boolean {
  return direct.length === 0 || direct.some(join => object.symbols[join.target]?.kind === 'function');
}

function partSymbol(symbol: BpfSymbol, text: number): BpfSymbol {
  if (symbol.kind === 'function') return { ...symbol, section: text };
  // what is in the provider's maps is not set again
  return symbol.kind === 'map' && symbol.references.length > 0 ? { ...symbol, references: [] } : symbol;
}

/** License and version of a part that gives only state do not bind the code of the consumer. */
function withoutSingle(object: BpfObject, symbol: BpfSymbol): BpfSymbol {
  if (symbol.kind !== 'variable' || !isSingle(object, symbol)) return symbol;
  const { name, binding, visibility } = symbol;
  return {
    kind: 'extern',
    name,
    binding: binding === 'global' ? 'weak' : 'local',
    visibility,
    section: null,
    btfId: 0,
  };
}
