/** Objects in OCI registries. */
export { ObjectCache } from './cache.ts';
export { Credentials } from './credentials.ts';
export { ANY_SIGNATURE, type Policy, parsePolicy } from './policy.ts';
export { parseReference, spellReference } from './reference.ts';
export { Registry } from './registry.ts';
export { readPrivateKey } from './signature.ts';
export { pullObject, pushObject } from './transfer.ts';
