/** What happens to maps, variables and settings when code changes, as data. */

import type { BpfMap } from '../kernel/index.ts';
import type { MapIdentity } from './identity.ts';

/** A variable whose value goes from an old map to a new one. Offsets and size in bytes. */
export interface CarriedVariable {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** A variable whose value is not carried over. */
export interface LostVariable {
  readonly name: string;
  readonly reason: string;
}

/** Static contents of an array of programs or of maps: index → id in the kernel. */
export type StaticContents = ReadonlyMap<number, number>;

/** What a generation remembers of a map for the next one. */
export interface StoredState extends MapIdentity {
  /** What was written into it when it was created; null for maps without static contents. */
  readonly contents: StaticContents | null;
  /** It is pinned by name, so that others use it as well. */
  readonly pinned?: true;
  /** Definition of the inner maps of a map of maps, which the kernel does not report; null for other maps. */
  readonly inner: string | null;
}

/** A map of the generation that runs. */
export interface PreviousMap {
  readonly state: StoredState;
  readonly map: BpfMap;
}

/** How one map of the next generation begins. */
export type Decision =
  /** It is the map of the running generation. */
  | { readonly kind: 'reuse'; readonly previous: PreviousMap }
  /** It is what is pinned under its name. */
  | { readonly kind: 'pinned'; readonly path: string }
  /** A new map gets the values of variables that have the same name and type. */
  | {
      readonly kind: 'migrate';
      readonly previous: PreviousMap;
      readonly variables: readonly CarriedVariable[];
      readonly lost: readonly LostVariable[];
    }
  /**
   * A new array of programs or maps of this generation; entries that were changed at run time are carried
   * over.
   */
  | { readonly kind: 'rebuild'; readonly previous: PreviousMap }
  /** There was one, and its contents are not kept. */
  | { readonly kind: 'reset'; readonly previous: PreviousMap; readonly reason: string }
  /** There was none, or constants that follow the code. */
  | { readonly kind: 'new'; readonly reason: string }
  /** It cannot be. */
  | { readonly kind: 'refuse'; readonly reason: string };

/** A decision, for the map that it is about. */
export interface MapDecision {
  readonly identity: MapIdentity;
  readonly decision: Decision;
}

/** A map of the running generation that the next one does not have. */
export interface DroppedMap {
  readonly identity: MapIdentity;
  readonly reason: string;
}

/** The map whose contents a decision keeps at least in part; undefined when there is none. */
export function keptFrom(decision: Decision): PreviousMap | undefined {
  switch (decision.kind) {
    case 'reuse':
    case 'migrate':
    case 'rebuild':
      return decision.previous;
    default:
      return undefined;
  }
}

/** The map of the running generation that a decision is about. */
export function previousOf(decision: Decision): PreviousMap | undefined {
  return decision.kind === 'reset' ? decision.previous : keptFrom(decision);
}
