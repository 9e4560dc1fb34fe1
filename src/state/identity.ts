/**
 * Whose a map is and what its owner calls it. These are identities: they depend on the component alone, never
 * on what is linked or plugged in beside it, and are the keys of maps in generations, records and listings.
 */

/** A map or data section of a rootlet or of one of its components. */
export interface MapIdentity {
  /** Name of the component; null for the rootlet, or for an object that has no components. */
  readonly owner: string | null;
  /** Name of the map or data section in the owner's file. */
  readonly name: string;
  /** Set for an outgoing version of a component whose map is another one than that of the current version. */
  readonly version?: number;
}

/**
 * What belongs to one version of a component: its name, with the version for one that is being rolled out of
 * the slots.
 */
export function partKey(owner: string, version: number | undefined): string {
  return version === undefined ? owner : `${owner}@${version}`;
}

/** `rules` for the rootlet's map, `firewall:rules` for a component's. No name in C contains a colon. */
export function mapKey({ owner, name, version }: MapIdentity): string {
  return owner === null ? name : `${partKey(owner, version)}:${name}`;
}
