/** The agent of a host: decisions, memory, what it reports. */
export { runAgent } from './agent.ts';
export { ChainHost } from './chain-host.ts';
export { MemoryFile } from './memory.ts';
export { assignedRevision } from './next.ts';
export {
  GOOD_STATES,
  HOST_STATES,
  type HookRates,
  type HostState,
  type HostStatus,
  PASSING_STATES,
  type ReportedHook,
  type ReportedProblem,
  readStatus,
} from './status.ts';
