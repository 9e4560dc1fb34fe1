/** Many hosts: objects in registries, desired state in etcd, agents, rollouts. */
export type { Tls } from './io/index.ts';
export {
  ANY_SIGNATURE,
  Credentials,
  ObjectCache,
  type Policy,
  parsePolicy,
  parseReference,
  pullObject,
  pushObject,
  Registry,
  readPrivateKey,
  spellReference,
} from './objects/index.ts';
