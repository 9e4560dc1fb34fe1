/**
 * Entry point `rootlet/fleet`: objects in OCI registries, and what the hosts of a fleet report. For Node; the kernel is not
 * needed. Connections are closed with `close()` or `using`.
 *
 * @module rootlet/fleet
 */

export {
  ANY_SIGNATURE,
  Credentials,
  Etcd,
  type EtcdOptions,
  type FleetContext,
  FleetKeys,
  type HookRates,
  type HostState,
  type HostStatus,
  type HostView,
  type Labels,
  ObjectCache,
  ObjectRegistry,
  type PinnedReference,
  type Policy,
  type PolicyRule,
  type Pulled,
  type PullOptions,
  type Pushed,
  type PushOptions,
  parsePolicy,
  parseReference,
  pullObject,
  pushObject,
  type Reference,
  type RegistryOptions,
  type ReportedHook,
  type ReportedProblem,
  readHosts,
  readPrivateKey,
  spellReference,
  type Tls,
} from '../fleet/index.ts';
