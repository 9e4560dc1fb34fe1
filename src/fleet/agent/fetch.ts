/** The objects of a revision for one host: by digest, from the cache or the registry, accepted by the policy of the host. */

import type { InputFile } from '../../bytes/index.ts';
import { addFrame, type Problem, RootletError } from '../../diag/index.ts';
import {
  type ObjectCache,
  type ObjectRegistry,
  type Policy,
  pullObject,
  type Reference,
  spellReference,
} from '../objects/index.ts';

export interface ObjectSource {
  readonly registry: ObjectRegistry;
  readonly policy: Policy;
  readonly cache: ObjectCache;
}

export interface Fetched {
  readonly files: ReadonlyMap<string, InputFile>;
  /** What the cache has to keep for them. */
  readonly digests: ReadonlySet<string>;
}

/** Throws the problems of all objects. */
export async function fetchObjects(
  { registry, policy, cache }: ObjectSource,
  objects: ReadonlyMap<string, Reference>,
  signal: AbortSignal,
): Promise<Fetched> {
  const files = new Map<string, InputFile>();
  const digests = new Set<string>();
  const problems: Problem[] = [];
  for (const [file, reference] of objects)
    try {
      const pulled = await pullObject(registry, reference, { policy, cache, signal });
      files.set(file, { name: spellReference(reference), bytes: pulled.bytes });
      for (const digest of pulled.digests) digests.add(digest);
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...addFrame(error, file).problems);
    }
  if (problems.length > 0) throw new RootletError(problems);
  return { files, digests };
}
