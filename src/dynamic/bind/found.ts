/** The definition of an extern. Separate from the search, because what is done with it needs no search. */

import type { SymbolIndex } from '../../object/index.ts';
import type { Export, Provider } from '../providers/index.ts';
import type { Binding } from './bindings.ts';

/** How the definition of an extern was found. */
export type FoundBy = Exclude<Binding['by'], 'provider'>;

export interface Found {
  /** Symbol of the consumer. */
  readonly extern: SymbolIndex;
  readonly name: string;
  readonly provider: Provider;
  readonly target: Export;
  readonly by: FoundBy;
}
