/** Objects in OCI registries. */
export { ObjectCache } from './cache.ts';
export { Credentials } from './credentials.ts';
export { digestOf } from './digest.ts';
export { ANY_SIGNATURE, type Policy, parsePolicy } from './policy.ts';
export { DIGEST, isReference, parseReference, pinned, type Reference, spellReference } from './reference.ts';
export { Registry } from './registry.ts';
export { readPrivateKey } from './signature.ts';
export { pullObject, pushObject, resolveReference } from './transfer.ts';
