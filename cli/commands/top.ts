/** `rootlet top`: what the members of chains do, live. */

import { buildCommand } from '@stricli/core';
import type { ChainContext, Reading, WatchedChain } from '../../src/chain/index.ts';
import { ratesBetween } from '../../src/chain/index.ts';
import { joinBlocks, line } from '../../src/diag/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { WATCH_COUNT, WATCH_TIME } from '../../src/link/index.ts';
import { off } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { requireSeconds, secondsFlag } from '../flags/seconds.ts';
import { chainContext, hookName, openWatched, runningChains } from '../flags/watched.ts';
import { type ChainRates, ratesJson, rateTable } from '../format/rates.ts';
import { type Context, guarded, printJsonLine, printScreen, tellLine } from '../io/context.ts';
import { Stop } from '../io/stop.ts';

interface Flags extends StoreFlags {
  readonly interval: number;
  readonly time: boolean;
  readonly once: boolean;
  readonly off: boolean;
  readonly json: boolean;
}

export const topCommand = buildCommand<Flags, [string?], Context>({
  docs: {
    brief: 'Show packets and verdicts of members of chains, live',
    fullDescription:
      'Show for each member of the chains on an interface (default: all) how many packets and bits it gets in a ' +
      'second, what it returns, and with --time how long it takes. On a terminal the table is renewed in place until ' +
      'q or ^C; elsewhere one table is printed for each interval. Counting is switched on meanwhile, and off again ' +
      'where it was off.',
  },
  parameters: {
    flags: {
      interval: { ...secondsFlag, brief: 'Seconds between two readings (default: 1)' },
      time: { ...off, brief: 'Take the time of each member, which costs more than counting' },
      once: { ...off, brief: 'Print one table and end' },
      off: { ...off, brief: 'Switch counting, timing and tracing off, and end' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output one JSON document a line for each interval' },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, placeholder: 'IFACE', optional: true, brief: 'Interface' }],
    },
  },
  async func(flags, name) {
    await guarded(this, flags.json, async () => {
      requireSeconds(flags.interval);
      const chains = chainContext(this, flags, openSys({ requireRights: false }));
      if (flags.off) switchOff(this, chains, name);
      else await watch(this, flags, chains, name);
    });
  },
});

function switchOff(context: Context, chains: ChainContext, name: string | undefined): void {
  for (const chain of openWatched(chains, runningChains(chains, name))) {
    using one = chain;
    if (one.flags === 0) continue;
    one.set(0);
    tellLine(context, `rootlet: counting is off: ${placeOf(one)}`);
  }
}

function placeOf({ state }: WatchedChain): string {
  return `${state.hook.interface} ${hookName(state)}`;
}

/** Switches that were found in another state: they get it back. */
type Found = Map<string, number>;

async function watch(
  context: Context,
  flags: Flags,
  chains: ChainContext,
  name: string | undefined,
): Promise<void> {
  const found: Found = new Map();
  const live = process.stdout.isTTY && !flags.json && !flags.once;
  using stop = new Stop(live);
  try {
    let before = readAll(chains, name, flags, found);
    while (!stop.isStopped) {
      await stop.wait(flags.interval * 1000);
      if (stop.isStopped && !flags.once) break;
      const after = readAll(chains, name, flags, found);
      show(context, flags, live, ratesOf(before, after));
      if (flags.once) break;
      before = after;
    }
  } finally {
    restore(chains, name, found);
  }
}

interface ChainReading {
  readonly key: string;
  readonly chain: Pick<WatchedChain, 'state'>;
  readonly reading: Reading;
}

/** The chains as they are now: they may change at any time. Makes sure that they count. */
function readAll(chains: ChainContext, name: string | undefined, flags: Flags, found: Found): ChainReading[] {
  const wanted = flags.time ? WATCH_COUNT | WATCH_TIME : WATCH_COUNT;
  return openWatched(chains, runningChains(chains, name)).map(chain => {
    using one = chain;
    const key = placeOf(one);
    const now = one.flags;
    if (!one.has(wanted)) {
      if (!found.has(key)) found.set(key, now);
      one.set(now | wanted);
    }
    return { key, chain: { state: one.state }, reading: one.read(process.hrtime.bigint()) };
  });
}

function ratesOf(before: readonly ChainReading[], after: readonly ChainReading[]): ChainRates[] {
  return after.map(({ key, chain: { state }, reading }) => {
    const earlier = before.find(one => one.key === key);
    const rates = ratesBetween(earlier === undefined ? reading : earlier.reading, reading);
    return { state, hook: hookName({ hook: state.hook }), rates };
  });
}

function show(context: Context, flags: Flags, live: boolean, rates: readonly ChainRates[]): void {
  if (flags.json) printJsonLine(context, { ok: true, chains: rates.map(ratesJson) });
  else printScreen(context, joinBlocks([rateTable(rates), line('')]), live);
}

function restore(chains: ChainContext, name: string | undefined, found: Found): void {
  if (found.size === 0) return;
  for (const chain of openWatched(chains, runningChains(chains, name))) {
    using one = chain;
    const flags = found.get(placeOf(one));
    if (flags !== undefined) one.set(flags);
  }
}
