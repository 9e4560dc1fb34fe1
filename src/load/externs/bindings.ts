/**
 * What externs are bound to on one machine: the result of looking at its kernel, passed to the plan as data.
 *
 * kconfig externs become variables in a map of their own; kernel variables and functions become BTF ids in
 * instructions; a weak extern that nothing defines has the address 0, and calling it must be dead code.
 */

import type { BtfId } from '../../btf/index.ts';
import type { SymbolIndex } from '../../object/index.ts';

export type ExternBinding =
  /**
   * Value of a kconfig extern, in the object's byte order, of the size of its type. `note` says what of the
   * configuration it leaves out.
   */
  | { readonly kind: 'kconfig'; readonly value: Uint8Array; readonly note?: string }
  /** Address of a kernel symbol without a type. */
  | { readonly kind: 'address'; readonly address: bigint }
  /** Typed kernel variable. */
  | { readonly kind: 'kernel-variable'; readonly btfId: BtfId; readonly btfObject: number }
  /** Kernel function. `btfObject` is 0 for vmlinux, else the id of the module's BTF. */
  | { readonly kind: 'kfunc'; readonly btfId: BtfId; readonly btfObject: number }
  /**
   * Weak and defined nowhere. `note` says why, where it may be defined after all; `why` is said when it is
   * used all the same.
   */
  | { readonly kind: 'missing'; readonly note?: string; readonly why?: string };

export type ExternBindings = ReadonlyMap<SymbolIndex, ExternBinding>;

export const NO_BINDINGS: ExternBindings = new Map();
