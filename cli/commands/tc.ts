/** `rootlet tc`: chains of TC programs. Only the called command is loaded. */

import { TC_USAGE } from '../flags/chain-usage.ts';
import type { Routes } from '../io/routes.ts';

export const tcRoutes: Routes = {
  brief: 'Run several TC programs on an interface: load, replace, order, status',
  description:
    'Chains of TC programs on the incoming or outgoing packets of interfaces. The beginning of a command is enough: ' +
    '"rootlet tc stat".',
  commands: {
    load: {
      usage: TC_USAGE.load,
      load: async () => (await import('./chain/load.ts')).tcLoadCommand,
    },
    unload: {
      usage: TC_USAGE.unload,
      load: async () => (await import('./chain/unload.ts')).tcUnloadCommand,
    },
    replace: {
      usage: TC_USAGE.replace,
      load: async () => (await import('./chain/replace.ts')).tcReplaceCommand,
    },
    order: {
      usage: TC_USAGE.order,
      load: async () => (await import('./chain/order.ts')).tcOrderCommand,
    },
    status: {
      usage: TC_USAGE.status,
      load: async () => (await import('./chain/status.ts')).tcStatusCommand,
    },
    clean: {
      usage: TC_USAGE.clean,
      load: async () => (await import('./chain/clean.ts')).tcCleanCommand,
    },
  },
};
