/**
 * The policy of a host: whose signature an object needs, by repository. The first rule that matches decides; what no rule
 * matches is refused.
 */

import type { KeyObject } from 'node:crypto';
import { inputError, quote, type RootletError } from '../../diag/index.ts';
import { flag, list, Misfit, object, otherwise, parseJson, text } from '../io/index.ts';
import { type Reference, repositoryOf, spellReference } from './reference.ts';
import { readPublicKey } from './signature.ts';

/** Whose signature objects of some repositories need. */
export interface PolicyRule {
  /** `*` stands for any part between slashes, `**` for any rest. */
  readonly repository: string;
  /** By the name of their file. One signature of any of them is enough. */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** No signature is needed. */
  readonly unsigned: boolean;
}

/** Whose signatures a host accepts. */
export interface Policy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

/** Everything is accepted by its digest alone. */
export const ANY_SIGNATURE: Policy = {
  name: '--allow-unsigned',
  rules: [{ repository: '**', keys: new Map(), unsigned: true }],
};

const FILE = object({
  rules: list(
    object({
      repository: text(512, /^[A-Za-z0-9.:_[\]*/-]+$/),
      keys: otherwise(list(text(4096, /^[^\0]+$/), 64), []),
      unsigned: otherwise(flag(), false),
    }),
    1024,
  ),
});

const HINT =
  'as in { "rules": [{ "repository": "registry.example.com/edge/*", "keys": ["ops.pub"] }] }; docs/fleet.md has the format';

/** `readKey` gives the PEM of a path, relative to the policy. Throws `oci-policy`, `oci-key`. */
export function parsePolicy(name: string, content: string, readKey: (path: string) => string): Policy {
  const { rules } = readFile(name, content);
  return {
    name,
    rules: rules.map(({ repository, keys, unsigned }, at) => {
      if (unsigned === keys.length > 0)
        throw policyError(
          name,
          `rules[${at}]: has ${unsigned ? 'keys, and "unsigned"' : 'neither keys nor "unsigned"'}`,
        );
      return {
        repository,
        unsigned,
        keys: new Map(keys.map(key => [key, readPublicKey(key, readKey(key))])),
      };
    }),
  };
}

function readFile(name: string, content: string) {
  try {
    return parseJson(content, FILE);
  } catch (error) {
    if (error instanceof Misfit) throw policyError(name, error.message);
    throw error;
  }
}

function policyError(name: string, message: string): RootletError {
  return inputError('oci-policy', [name], message, { hint: HINT });
}

/** The rule for an object. Throws `oci-signature` when there is none. */
export function ruleFor({ name, rules }: Policy, reference: Reference): PolicyRule {
  const repository = repositoryOf(reference);
  const rule = rules.find(one => matches(one.repository, repository));
  if (rule !== undefined) return rule;
  throw inputError(
    'oci-signature',
    [spellReference(reference)],
    `no rule of ${name} is about ${quote(repository)}`,
    {
      subject: spellReference(reference),
      hint: 'add a rule with the keys of those who may sign it',
    },
  );
}

function matches(pattern: string, repository: string): boolean {
  const source = pattern
    .split(/(\*\*|\*)/)
    .map(part => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.[\]]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`).test(repository);
}

/** An object that no accepted key signed. */
export function unsignedError(reference: Reference, { keys }: PolicyRule, found: number): RootletError {
  const what = found === 0 ? 'has no signature' : `has ${found} signatures, none of an accepted key`;
  return inputError('oci-signature', [spellReference(reference)], what, {
    subject: spellReference(reference),
    details: [`accepted: ${[...keys.keys()].join(', ')}`],
    hint: 'sign it: "rootlet push FILE REGISTRY/NAME:TAG --sign KEY"',
  });
}
