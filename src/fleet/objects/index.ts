/** Objects in OCI registries. */
export { ObjectCache } from './cache.ts';
export { Credentials } from './credentials.ts';
export { digestOf } from './digest.ts';
export { ANY_SIGNATURE, type Policy, type PolicyRule, parsePolicy } from './policy.ts';
export {
  DIGEST,
  isReference,
  type PinnedReference,
  parseReference,
  pinned,
  type Reference,
  spellReference,
} from './reference.ts';
export { ObjectRegistry, type RegistryOptions } from './registry.ts';
export { readPrivateKey } from './signature.ts';
export {
  type Pulled,
  type PullOptions,
  type Pushed,
  type PushOptions,
  pullObject,
  pushObject,
  resolveReference,
} from './transfer.ts';
