/**
 * Sets of kinds of types, one bit for each, for kernels: `(KINDS.members >> kind) & 1`.
 *
 * A kernel that uses them knows that kinds are below 32.
 */

import { BTF_KIND } from '../../uapi/index.ts';

function setOf(...kinds: readonly (keyof typeof BTF_KIND)[]): number {
  return kinds.reduce((set, kind) => set | (1 << BTF_KIND[kind]), 0);
}

export const KINDS = {
  /** Types that have a name, and types that have none; others may have one. */
  named: setOf('FWD', 'TYPEDEF', 'VAR', 'DATASEC', 'DECL_TAG', 'TYPE_TAG'),
  nameless: setOf('PTR', 'ARRAY', 'VOLATILE', 'CONST', 'RESTRICT', 'FUNC_PROTO'),
  /** Types whose info word may have elements (of a function: its linkage). */
  elements: setOf('STRUCT', 'UNION', 'ENUM', 'ENUM64', 'FUNC', 'FUNC_PROTO', 'DATASEC'),
  /** Types whose info word may have the kind flag. */
  flagged: setOf('STRUCT', 'UNION', 'ENUM', 'ENUM64', 'FWD', 'DECL_TAG', 'TYPE_TAG'),
  /** Types that only declare something; no other type may be made of them. */
  declarations: setOf('FUNC', 'VAR', 'DATASEC', 'DECL_TAG'),
  /** Declarations that refer to declarations. */
  declaring: setOf('FUNC', 'DATASEC', 'DECL_TAG'),
  /** The kernel takes a function for its prototype there. */
  ofFunctions: setOf('PTR', 'TYPEDEF', 'VOLATILE', 'CONST', 'RESTRICT', 'TYPE_TAG'),
  /** Types that only qualify or name another. */
  modifiers: setOf('TYPEDEF', 'VOLATILE', 'CONST', 'RESTRICT', 'TYPE_TAG'),
  /** Types that lead to one other, but for arrays. */
  pointing: setOf('PTR', 'TYPEDEF', 'VOLATILE', 'CONST', 'RESTRICT', 'TYPE_TAG'),
  members: setOf('STRUCT', 'UNION'),
  /** Types whose values have the size that the third word says. */
  sized: setOf('INT', 'ENUM', 'ENUM64', 'FLOAT', 'STRUCT', 'UNION'),
  /** What a bit field can be. */
  integers: setOf('INT', 'ENUM', 'ENUM64'),
  /** Types that CO-RE relocations and externs can name. */
  searched: setOf('INT', 'STRUCT', 'UNION', 'ENUM', 'ENUM64', 'FWD', 'TYPEDEF', 'FLOAT', 'FUNC', 'VAR'),
  /** Types with rules of their own, see `check-kinds.kernel.ts`. */
  ruled: setOf('INT', 'FLOAT', 'ENUM', 'ENUM64', 'FUNC', 'VAR', 'DATASEC', 'DECL_TAG'),
} as const;
