/** `rootlet xdp`: chains of XDP programs. Only the called command is loaded. */

import { XDP_USAGE } from '../flags/chain-usage.ts';
import type { Routes } from '../io/routes.ts';

export const xdpRoutes: Routes = {
  brief: 'Run several XDP programs on an interface: load, replace, order, status, trace',
  description:
    'Chains of XDP programs on interfaces, as with xdp-loader, whose command lines are accepted (docs/moving-from-xdp-loader.md). ' +
    'The beginning of a command is enough: "rootlet xdp stat".',
  commands: {
    load: {
      usage: XDP_USAGE.load,
      load: async () => (await import('./chain/load.ts')).xdpLoadCommand,
    },
    unload: {
      usage: XDP_USAGE.unload,
      load: async () => (await import('./chain/unload.ts')).xdpUnloadCommand,
    },
    replace: {
      usage: XDP_USAGE.replace,
      load: async () => (await import('./chain/replace.ts')).xdpReplaceCommand,
    },
    order: {
      usage: XDP_USAGE.order,
      load: async () => (await import('./chain/order.ts')).xdpOrderCommand,
    },
    status: {
      usage: XDP_USAGE.status,
      load: async () => (await import('./chain/status.ts')).xdpStatusCommand,
    },
    features: {
      usage: XDP_USAGE.features,
      load: async () => (await import('./chain/features.ts')).xdpFeaturesCommand,
    },
    clean: {
      usage: XDP_USAGE.clean,
      load: async () => (await import('./chain/clean.ts')).xdpCleanCommand,
    },
    trace: {
      usage: XDP_USAGE.trace,
      load: async () => (await import('./chain/trace.ts')).traceCommand,
    },
  },
};
