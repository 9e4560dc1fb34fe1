/** What commands ask of a chain: plain data, the same for every back end. */

import type { ObjectFile } from '../../object/index.ts';
import type { Settings } from '../../state/index.ts';

/** A member as it is given. */
export interface MemberRequest {
  /** Default: the base name of the file up to its first dot. */
  readonly name?: string;
  readonly file: ObjectFile;
  /** May be left out when the file has only one program for the hook. */
  readonly program?: string;
  /** Default: that of its run configuration, else 50. */
  readonly priority?: number;
  /** Words or numbers of verdicts. Default: its run configuration, else the rule of the hook. */
  readonly continueOn?: readonly string[];
  readonly settings?: Settings;
}

/** One change of a chain. */
export type ChainEdit =
  /** Adds members. */
  | { readonly kind: 'load'; readonly members: readonly MemberRequest[] }
  /** Removes members by name or by id of their program; `all`: the chain. */
  | { readonly kind: 'unload'; readonly members: readonly (string | number)[] | 'all' }
  /** Another version in the place of a member: what is not given stays as it is. */
  | { readonly kind: 'replace'; readonly name: string; readonly member: MemberRequest }
  /** All members, in the order in which they are to run; priorities follow. */
  | { readonly kind: 'order'; readonly names: readonly string[] }
  /** Exactly these members: those of the same name are replaced, others are removed. Idempotent. */
  | { readonly kind: 'set'; readonly members: readonly MemberRequest[] };
