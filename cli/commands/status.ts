/** `rootlet status`: all that is loaded and attached, as a tree. */

import { buildCommand } from '@stricli/core';
import { overviewPicture, readOverview } from '../../src/chain/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { graphFlag } from '../flags/graph.ts';
import { off } from '../flags/kinds.ts';
import { type LimitFlags, limitsFlag, parseLimits, STATUS_LIMITS } from '../flags/limits.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { chainContext } from '../flags/watched.ts';
import { formatBroken } from '../format/entry.ts';
import { formatOverview, overviewJson } from '../format/overview.ts';
import { type Context, guarded, print, printJson, printLine, tell } from '../io/context.ts';
import { requireDistinct } from '../io/files.ts';
import { openPicture } from '../io/picture.ts';

interface Flags extends StoreFlags, LimitFlags {
  readonly json: boolean;
  readonly graph?: string;
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
    flags: {
      ...STORE_FLAGS,
      graph: graphFlag('the tree'),
      ...limitsFlag(STATUS_LIMITS),
      json: { ...off, brief: 'Output JSON (docs/schema/status.schema.json)' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, async () => {
      const limits = parseLimits(flags, STATUS_LIMITS);
      requireDistinct([flags.graph, flags.json ? '-' : undefined]);
      const write = flags.graph === undefined ? undefined : await openPicture(flags.graph);
      const overview = readOverview(chainContext(this, flags, openSys({ requireRights: false })));
      write?.(this, overviewPicture(overview, limits));
      if (flags.json) {
        printJson(this, { ok: true, ...overviewJson(overview) });
        return;
      }
      for (const entry of overview.broken) tell(this, formatBroken(entry));
      if (write !== undefined) return;
      if (overview.hooks.length + overview.objects.length === 0) printLine(this, 'nothing is loaded');
      else print(this, formatOverview(overview));
    });
  },
});
