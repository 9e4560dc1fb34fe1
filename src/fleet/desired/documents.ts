/**
 * Documents of a fleet: those of `rootlet apply`, with a selector of hosts, and with names of objects in registries as
 * files. Separate from where revisions are kept.
 */

import type { InputFile } from '../../bytes/index.ts';
import { type DeclaredChain, readDeclared } from '../../chain/index.ts';
import { inputError, type Problem, problem, RootletError } from '../../diag/index.ts';
import { digestOf, isReference, parseReference, pinned, type Reference } from '../objects/index.ts';
import { MOST_DOCUMENT, type Revision, type RevisionObject } from './revision.ts';
import { type Labels, selects } from './selector.ts';

/** Of a revision after which nothing runs. */
export const NOTHING = '';

/** Chains of documents. Throws `chain-document-…`, `fleet-member`, with the places. */
export function readFleetDocuments(files: readonly InputFile[]): readonly DeclaredChain[] {
  const chains = readDeclared(files, { document: MOST_DOCUMENT }, { hosts: true });
  const problems = chains.flatMap(({ members }) => members.flatMap(memberProblem));
  if (problems.length > 0) throw new RootletError(problems);
  return chains;
}

function memberProblem({ file, where }: DeclaredChain['members'][number]): Problem[] {
  if (!isReference(file))
    return [
      problem(
        'fleet-member',
        where,
        'is a file of one host: hosts of a fleet fetch objects from a registry',
        {
          subject: file,
          hint: 'store it with "rootlet push", and name it as oci://REGISTRY/NAME:TAG',
        },
      ),
    ];
  try {
    parseReference(file);
    return [];
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    return error.problems.map(one => ({ ...one, where }));
  }
}

/** Names of objects, each once, in the order of the documents. */
export function objectsIn(chains: readonly DeclaredChain[]): readonly string[] {
  return [...new Set(chains.flatMap(({ members }) => members.map(({ file }) => file)))];
}

/** Equal for documents that mean the same on every host. */
export function contentOf(document: string, objects: readonly RevisionObject[]): string {
  return digestOf(JSON.stringify([document, objects.map(({ file, digest }) => [file, digest])]));
}

/** The chains of one host, in a revision. */
export interface HostDocuments {
  readonly chains: readonly DeclaredChain[];
  /** Files of their members as objects by digest. */
  readonly objects: ReadonlyMap<string, Reference>;
}

/**
 * What a revision declares for a host. Throws `chain-document-…`, `fleet-record` for an object without a digest, and
 * `chain-document-duplicate` for two documents that are about the host and the same hook.
 */
export function documentsFor(
  { revision, document, objects }: Pick<Revision, 'revision' | 'document' | 'objects'>,
  labels: Labels,
): HostDocuments {
  const name = `revision ${revision}`;
  const all = document === NOTHING ? [] : readFleetDocuments([{ name, bytes: Buffer.from(document) }]);
  const chains = all.filter(({ hosts }) => selects(hosts, labels));
  requireOneEach(chains);
  const digests = new Map(objects.map(one => [one.file, one.digest]));
  const references = objectsIn(chains).map(file => {
    const digest = digests.get(file);
    if (digest === undefined)
      throw inputError('fleet-record', [name, file], 'has no digest in the revision', {
        subject: file,
        hint: 'write the documents again: "rootlet fleet put -f FILE" looks up digests',
      });
    return [file, pinned(parseReference(file), digest)] as const;
  });
  return { chains, objects: new Map(references) };
}

function requireOneEach(chains: readonly DeclaredChain[]): void {
  const seen = new Map<string, DeclaredChain>();
  for (const chain of chains) {
    const first = seen.get(chain.title);
    if (first !== undefined)
      throw inputError(
        'chain-document-duplicate',
        chain.where,
        `a second document of "${chain.title}" is about this host`,
        {
          subject: chain.title,
          details: [`the first one is at ${first.where.join(': ')}`],
          hint: 'change the selectors "hosts" so that one of them is about each host',
        },
      );
    seen.set(chain.title, chain);
  }
}

/** A host that no document is about. */
export function noMatch(revision: number, labels: Labels): Problem {
  const has = [...labels].map(([name, value]) => `${name}=${value}`).join(', ');
  return problem('fleet-no-match', [], `no document of revision ${revision} is about this host`, {
    details: [`its labels: ${has === '' ? 'none' : has}`],
    hint: 'give the agent --label NAME=VALUE, or change the selectors "hosts" of the documents',
  });
}
