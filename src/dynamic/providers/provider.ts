/**
 * Providers: objects whose functions, variables and maps are loaded already, for consumers to bind to.
 *
 * A provider is its object as it was loaded, before its own externs were bound, with its live maps. Where it
 * comes from (this process, the store) makes no difference to binding.
 */

import type { BpfMap } from '../../kernel/index.ts';
import type { BpfObject, SymbolIndex } from '../../object/index.ts';
import type { Replacements } from './replacements.ts';
import type { TailSlots } from './tail-slots.ts';

/** An extern of a provider, and what it was bound to. */
export interface ProviderImport {
  /** Symbol of the provider's object. */
  readonly extern: SymbolIndex;
  readonly provider: Provider;
  readonly target: string;
}

/** A loaded object that others can be bound to. */
export interface Provider {
  /** Name by which it is registered; else that of its file. */
  readonly name: string;
  readonly object: BpfObject;
  /**
   * A live map by its name in the plan of the provider's load: the map's, or the section's for globals. The
   * caller owns what it gets. Undefined when there is none of that name.
   */
  openMap(name: string): BpfMap | undefined;
  /** @internal */
  readonly imports: readonly ProviderImport[];
  /**
   * Where its functions are for consumers that tail-call them.
   * @internal
   */
  readonly tail: TailSlots;
  /**
   * Its functions for consumers whose stubs they replace.
   * @internal
   */
  readonly replacements: Replacements;
}

/** Every provider that code of these may need: themselves and, transitively, those that they are bound to. */
export function withImports(providers: readonly Provider[]): Provider[] {
  const all = new Set(providers);
  for (const provider of all) for (const { provider: imported } of provider.imports) all.add(imported);
  return [...all];
}
