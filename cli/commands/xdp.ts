/** `rootlet xdp`: chains of XDP programs. Only the called command is loaded. */

import type { Routes } from '../io/routes.ts';

export const xdpRoutes: Routes = {
  brief: 'Run several XDP programs on an interface',
  description:
    'Chains of XDP programs on interfaces, as with xdp-loader, whose command lines are accepted (docs/moving-from-xdp-loader.md). ' +
    'The beginning of a command is enough: "rootlet xdp stat".',
  commands: {
    load: async () => (await import('./chain/load.ts')).xdpLoadCommand,
    unload: async () => (await import('./chain/unload.ts')).xdpUnloadCommand,
    replace: async () => (await import('./chain/replace.ts')).xdpReplaceCommand,
    order: async () => (await import('./chain/order.ts')).xdpOrderCommand,
    status: async () => (await import('./chain/status.ts')).xdpStatusCommand,
    features: async () => (await import('./chain/features.ts')).xdpFeaturesCommand,
    clean: async () => (await import('./chain/clean.ts')).xdpCleanCommand,
    trace: async () => (await import('./chain/trace.ts')).traceCommand,
  },
};
