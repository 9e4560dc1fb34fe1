/** `rootlet fleet`: what many hosts run. Only the called command is loaded. */

import type { Routes } from '../io/routes.ts';

export const fleetRoutes: Routes = {
  brief: 'State what many hosts run, and see whether they do',
  description:
    'Documents as those of "rootlet apply", with labels of hosts, are kept in etcd as revisions; agents on the hosts run them. ' +
    'A rollout gives a revision to more and more hosts, and takes it back where it does harm.',
  commands: {
    put: async () => (await import('./fleet/put.ts')).putCommand,
    get: async () => (await import('./fleet/get.ts')).getCommand,
    diff: async () => (await import('./fleet/diff.ts')).diffCommand,
    history: async () => (await import('./fleet/history.ts')).historyCommand,
    rollback: async () => (await import('./fleet/rollback.ts')).rollbackCommand,
    rollout: async () => (await import('./fleet/rollout.ts')).rolloutCommand,
    status: async () => (await import('./fleet/status.ts')).statusCommand,
    drain: async () => (await import('./fleet/drain.ts')).drainCommand,
  },
};
