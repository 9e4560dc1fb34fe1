/** `--fresh NAME,…`: which maps, sections and variables begin with new contents. */

import { quote, usageError } from '../diag/index.ts';
import type { MapIdentity } from './identity.ts';

/**
 * `*`, a component, `MAP`, `COMPONENT:MAP`; a variable resets its section's variable alone (`VARIABLE`,
 * `COMPONENT:VARIABLE`).
 */
export class FreshNames {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Whether a map, or everything of its owner, is named. */
  readonly covers = ({ owner, name }: MapIdentity): boolean =>
    this.names.some(
      wanted =>
        wanted === '*' ||
        wanted === name ||
        wanted === owner ||
        (owner !== null && wanted === `${owner}:${name}`),
    );

  /** Whether a variable of an owner is named. */
  readonly coversVariable = (owner: string | null, variable: string): boolean =>
    this.names.some(wanted => wanted === variable || (owner !== null && wanted === `${owner}:${variable}`));

  /**
   * Throws `state-fresh` for names of nothing that changes. `known`: components and maps; `variables`: what
   * else can be named.
   */
  require(known: ReadonlySet<string>, variables: ReadonlySet<string>): void {
    const unknown = this.names.find(name => name !== '*' && !known.has(name) && !variables.has(name));
    if (unknown === undefined) return;
    const hint =
      known.size === 0
        ? 'there is no state'
        : `available: ${[...known].sort().join(', ')}, their variables, or * for all`;
    const message = `--fresh ${quote(unknown)}: there is no such component, map, section or variable`;
    throw usageError('state-fresh', message, { hint });
  }
}
