/** Many hosts: objects in registries, desired state in etcd, agents, rollouts. */
export { assignedRevision, ChainHost, HOST_STATES, MemoryFile, runAgent } from './agent/index.ts';
export {
  type DifferentLine,
  differentLines,
  type FleetContext,
  FleetKeys,
  hunks,
  isKeyWord,
  listRevisions,
  parseLabels,
  putDocuments,
  type Revision,
  readCurrent,
  readNewest,
  requireRevision,
  requireWord,
  rollBack,
  type Target,
} from './desired/index.ts';
export { Etcd } from './etcd/index.ts';
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
  resolveReference,
  spellReference,
} from './objects/index.ts';
export {
  beginRollout,
  DEFAULT_WAVES,
  type HostView,
  isRunning,
  leadRollout,
  parseShare,
  parseWaves,
  percent,
  type Rollout,
  readHosts,
  readNewestRollout,
} from './rollout/index.ts';
