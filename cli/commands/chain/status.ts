/** `rootlet xdp status`, `rootlet tc status`: what runs on interfaces, in which order. */

import { buildCommand, numberParser } from '@stricli/core';
import {
  type ChainContext,
  type ChainKind,
  type ChainState,
  findChainHook,
  listChains,
  readChain,
} from '../../../src/chain/index.ts';
import { asLines, joinBlocks, type Lines, line, problemLines } from '../../../src/diag/index.ts';
import { off } from '../../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../../flags/loading.ts';
import { requireSeconds } from '../../flags/seconds.ts';
import { statusJson } from '../../format/chain-json.ts';
import { statusTable } from '../../format/chain-table.ts';
import { type Context, guarded, jsonLine, print, printJson, screenOf, tell } from '../../io/context.ts';
import { redraw } from '../../io/watch.ts';
import { chainContext } from './hook.ts';

interface Flags extends StoreFlags {
  readonly watch: boolean;
  readonly interval?: number;
  readonly verbose: boolean;
  readonly json: boolean;
}

const FLAGS = {
  watch: { ...off, brief: 'Print it again every second, until q or ^C; with --json a document a line' },
  interval: {
    kind: 'parsed',
    parse: numberParser,
    optional: true,
    brief: 'With --watch: seconds between two tables (default: 1)',
    placeholder: 'SECONDS',
  },
  verbose: { ...off, brief: 'Accepted for scripts of xdp-loader; has no effect' },
  ...STORE_FLAGS,
  json: { ...off, brief: 'Output JSON (docs/schema/chain-status.schema.json)' },
} as const;

const POSITIONAL = {
  kind: 'tuple',
  parameters: [
    { brief: 'Interface (default: all of them)', parse: String, placeholder: 'IFACE', optional: true },
  ],
} as const;

const DESCRIPTION =
  'Print a table of interfaces and of the programs on them, in the order in which they run. Columns from the left are ' +
  'those of xdp-loader; to the right of them are the name of each member, why it runs at its place, and its file. The ' +
  'id of a member is - where all members are linked into one program.';

export const xdpStatusCommand = buildCommand<Flags, [string?], Context>({
  docs: {
    brief: 'List the XDP programs on interfaces, in order',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: FLAGS, aliases: { v: 'verbose' }, positional: POSITIONAL },
  async func(flags, name) {
    await guarded(this, flags.json, () => status(this, 'xdp', flags, name));
  },
});

export const tcStatusCommand = buildCommand<Flags, [string?], Context>({
  docs: {
    brief: 'List the TC programs on interfaces, in order',
    fullDescription: DESCRIPTION,
  },
  parameters: { flags: FLAGS, aliases: { v: 'verbose' }, positional: POSITIONAL },
  async func(flags, name) {
    await guarded(this, flags.json, () => status(this, 'tc', flags, name));
  },
});

async function status(
  context: Context,
  kind: ChainKind,
  flags: Flags,
  name: string | undefined,
): Promise<void> {
  const chains = chainContext(context, flags, false);
  const read = (): readonly ChainState[] => statesOf(chains, kind, name);
  if (!flags.watch && flags.interval === undefined) {
    report(context, kind, flags, read());
    return;
  }
  const interval = flags.interval ?? 1;
  requireSeconds(interval);
  await redraw({
    interval,
    isTerminal: process.stdout.isTTY && !flags.json,
    write: screenOf(context),
    draw: () =>
      flags.json
        ? joinBlocks([jsonLine({ ok: true, ...statusJson(read()) }), line('')])
        : drawing(kind, read()),
  });
}

function statesOf(chains: ChainContext, kind: ChainKind, name: string | undefined): readonly ChainState[] {
  if (name === undefined) return listChains(chains, kind);
  const directions = kind === 'xdp' ? [null] : (['ingress', 'egress'] as const);
  return directions.map(direction => readChain(chains, findChainHook(chains.sys, name, kind, direction)));
}

function report(context: Context, kind: ChainKind, flags: Flags, states: readonly ChainState[]): void {
  if (flags.json) {
    printJson(context, { ok: true, ...statusJson(states) });
    return;
  }
  print(context, statusTable(kind, states));
  for (const problem of problemsOf(states)) tell(context, problem);
}

/** Problems are a part of it: nothing else may write to the screen. */
function drawing(kind: ChainKind, states: readonly ChainState[]): Lines {
  return asLines([statusTable(kind, states), ...problemsOf(states).map(text => `${text}\n`)].join(''));
}

function problemsOf(states: readonly ChainState[]): Lines[] {
  return states.flatMap(({ problems }) => problems.map(one => problemLines(one, 'rootlet: ')));
}
