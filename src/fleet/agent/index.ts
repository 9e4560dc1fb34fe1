/** The agent of a host: decisions, memory, what it reports. */
export { runAgent } from './agent.ts';
export { ChainHost } from './chain-host.ts';
export { MemoryFile } from './memory.ts';
export { assignedRevision } from './next.ts';
export { GOOD_STATES, HOST_STATES, type HostStatus, PASSING_STATES, readStatus } from './status.ts';
