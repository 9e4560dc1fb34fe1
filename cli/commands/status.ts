/** `rootlet status`: all that is loaded and attached, as a tree. */

import { buildCommand } from '@stricli/core';
import { readOverview } from '../../src/chain/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { chainContext } from '../flags/watched.ts';
import { formatBroken } from '../format/entry.ts';
import { formatOverview, overviewJson } from '../format/overview.ts';
import { type Context, guarded, print, printJson, printLine, tell } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly json: boolean;
}

export const statusCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Show hooks, members, slots, maps and bindings as a tree',
    fullDescription:
      'Show what is on the hooks of interfaces and what else is attached: chains with their members, rootlets with their ' +
      'slots, programs; with files, back ends, maps and bindings, and with packets by verdict where a chain counts them ' +
      '("rootlet top"). Then loaded objects: what they export, and what uses it.',
  },
  parameters: {
    flags: { ...STORE_FLAGS, json: { ...off, brief: 'Output JSON (docs/schema/status.schema.json)' } },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, () => {
      const overview = readOverview(chainContext(this, flags, openSys({ requireRights: false })));
      if (flags.json) {
        printJson(this, { ok: true, ...overviewJson(overview) });
        return;
      }
      for (const entry of overview.broken) tell(this, formatBroken(entry));
      if (overview.hooks.length + overview.objects.length === 0) printLine(this, 'nothing is loaded');
      else print(this, formatOverview(overview));
    });
  },
});
