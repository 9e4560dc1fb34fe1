/**
 * Places in compiled code at which a run can end with an error. Compiled code passes only the number of the
 * site; the message is created when the error occurs.
 */

import type { CodeOf } from '../../../diag/index.ts';
import type { SymbolIndex } from '../../../object/index.ts';
import type { CodeUnit } from './unit.ts';

export type Site =
  /** A load or store that the shadow does not allow. */
  | { readonly kind: 'access'; readonly unit: CodeUnit; readonly slot: number; readonly write: boolean }
  /** Memory that a helper was to read or write. */
  | {
      readonly kind: 'argument';
      readonly unit: CodeUnit;
      readonly slot: number;
      readonly write: boolean;
      readonly helper: string;
      /** From 1. */
      readonly argument: number;
    }
  /** A helper that finds out only while it runs. */
  | { readonly kind: 'helper'; readonly unit: CodeUnit; readonly slot: number; readonly helper: string }
  | { readonly kind: 'misaligned'; readonly unit: CodeUnit; readonly slot: number }
  | { readonly kind: 'budget'; readonly unit: CodeUnit; readonly slot: number }
  /** A call that would make too many frames, or too much stack. */
  | {
      readonly kind: 'call-depth' | 'stack-size';
      readonly unit: CodeUnit;
      readonly slot: number;
      readonly callee: SymbolIndex;
    }
  /** A callback whose address is not that of a function. */
  | { readonly kind: 'callback'; readonly unit: CodeUnit; readonly slot: number }
  | {
      readonly kind: 'words';
      readonly unit: CodeUnit;
      readonly slot: number;
      readonly code: CodeOf<'input'>;
      readonly message: string;
      readonly hint?: string;
    };

export class SiteTable {
  readonly #sites: Site[] = [];

  /** Number of the new site. */
  add(site: Site): number {
    return this.#sites.push(site) - 1;
  }

  get(index: number): Site | undefined {
    return this.#sites[index];
  }
}
