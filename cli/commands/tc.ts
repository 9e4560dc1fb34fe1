/** `rootlet tc`: chains of TC programs. Only the called command is loaded. */

import type { Routes } from '../io/routes.ts';

export const tcRoutes: Routes = {
  brief: 'Run several TC programs on an interface',
  description:
    'Chains of TC programs on the incoming or outgoing packets of interfaces. The beginning of a command is enough: ' +
    '"rootlet tc stat".',
  commands: {
    load: async () => (await import('./chain/load.ts')).tcLoadCommand,
    unload: async () => (await import('./chain/unload.ts')).tcUnloadCommand,
    replace: async () => (await import('./chain/replace.ts')).tcReplaceCommand,
    order: async () => (await import('./chain/order.ts')).tcOrderCommand,
    status: async () => (await import('./chain/status.ts')).tcStatusCommand,
    clean: async () => (await import('./chain/clean.ts')).tcCleanCommand,
  },
};
