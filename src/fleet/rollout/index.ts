/** Rollouts in waves: decisions, leadership, hosts as they are seen. */
export { readHosts } from './hosts.ts';
export { beginRollout, isLed, isRunning, leadRollout, readNewestRollout } from './lead.ts';
export { type HostView, percent } from './next.ts';
export { DEFAULT_WAVES, parseShare, parseWaves, type Rollout } from './rollout.ts';
