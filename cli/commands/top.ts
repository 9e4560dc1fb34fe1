/** `rootlet top`: what programs on hooks and the members of chains do, live. */

import { buildCommand } from '@stricli/core';
import {
  type ChainContext,
  type ChainState,
  type Reading,
  type RunReading,
  ratesBetween,
  readRuns,
  runRates,
  WatchedChain,
} from '../../src/chain/index.ts';
import { joinBlocks, line, quote, RootletError, usageError } from '../../src/diag/index.ts';
import { enableRunStats, openSys } from '../../src/kernel/index.ts';
import { WATCH_COUNT, WATCH_TIME } from '../../src/link/index.ts';
import { off } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { requireSeconds, secondsFlag } from '../flags/seconds.ts';
import { chainContext, findChains, hookName, openWatched, runningChains } from '../flags/watched.ts';
import { type Rates, ratesJson, rateTables } from '../format/rates.ts';
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
    brief: 'Show what programs and members of chains do, live',
    fullDescription:
      'Show for each program on a hook (default: all hooks) how often it runs in a second and how long a run takes, and ' +
      'for each member of a chain how many packets and bits it gets in a second, what it returns, and with --time how ' +
      'long it takes. On a terminal the tables are renewed in place until q or ^C; elsewhere they are printed for each ' +
      'interval. Counting is switched on meanwhile, and off again where it was off.',
  },
  parameters: {
    flags: {
      interval: { ...secondsFlag, brief: 'Seconds between two readings (default: 1)' },
      time: { ...off, brief: 'Take the time of each member, which costs more than counting' },
      once: { ...off, brief: 'Print one table and end' },
      off: { ...off, brief: 'Switch counting, timing and tracing off, and end' },
      ...STORE_FLAGS,
      json: {
        ...off,
        brief: 'Output one JSON document a line for each interval (docs/schema/top.schema.json)',
      },
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

/** What is read again and again. */
interface Watched {
  readonly chains: ChainContext;
  readonly name: string | undefined;
  readonly wanted: number;
  readonly found: Found;
}

interface Moment {
  readonly chains: readonly ChainReading[];
  readonly runs: RunReading;
}

interface ChainReading {
  readonly key: string;
  readonly state: ChainState;
  readonly reading: Reading;
}

async function watch(
  context: Context,
  flags: Flags,
  chains: ChainContext,
  name: string | undefined,
): Promise<void> {
  const wanted = flags.time ? WATCH_COUNT | WATCH_TIME : WATCH_COUNT;
  const watched: Watched = { chains, name, wanted, found: new Map() };
  const live = process.stdout.isTTY && !flags.json && !flags.once;
  using stop = new Stop(live);
  using counted = countRuns(context, chains);
  try {
    let before = requireAny(readAll(watched), name);
    while (!stop.isStopped) {
      await stop.wait(flags.interval * 1000);
      if (stop.isStopped && !flags.once) break;
      const after = readAll(watched);
      show(context, flags, live, ratesOf(before, after, counted !== undefined));
      if (flags.once) break;
      before = after;
    }
  } finally {
    restore(watched);
  }
}

/** Runs are counted as long as what it returns is open; without the rights for that only members are. */
function countRuns(context: Context, { sys }: ChainContext): Disposable | undefined {
  try {
    return enableRunStats(sys);
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    for (const { message } of error.problems) tellLine(context, `rootlet: runs are not counted: ${message}`);
    return undefined;
  }
}

function requireAny(moment: Moment, name: string | undefined): Moment {
  if (moment.chains.length + moment.runs.programs.length > 0) return moment;
  throw usageError(
    'watch-no-program',
    name === undefined ? 'nothing is attached' : `no program is on interface ${quote(name)}`,
    { hint: 'rootlet attach FILE TARGET attaches one' },
  );
}

/** What there is now: it may change at any time. Makes sure that chains count. */
function readAll({ chains, name, wanted, found }: Watched): Moment {
  const read = findChains(chains, name).map((state): ChainReading => {
    using one = WatchedChain.open(chains, state);
    const key = placeOf(one);
    const now = one.flags;
    if (!one.has(wanted)) {
      if (!found.has(key)) found.set(key, now);
      one.set(now | wanted);
    }
    return { key, state, reading: one.read(process.hrtime.bigint()) };
  });
  return { chains: read, runs: readRuns(chains, name, process.hrtime.bigint()) };
}

function ratesOf(before: Moment, after: Moment, isCounted: boolean): Rates {
  const chains = after.chains.map(({ key, state, reading }) => {
    const earlier = before.chains.find(one => one.key === key);
    const rates = ratesBetween(earlier === undefined ? reading : earlier.reading, reading);
    return { state, hook: hookName(state), rates };
  });
  return { chains, programs: runRates(before.runs, after.runs), isCounted };
}

function show(context: Context, flags: Flags, live: boolean, rates: Rates): void {
  if (flags.json) printJsonLine(context, { ok: true, ...ratesJson(rates) });
  else printScreen(context, joinBlocks(rateTables(rates).flatMap(one => [one, line('')])), live);
}

function restore({ chains, name, found }: Watched): void {
  for (const state of found.size === 0 ? [] : findChains(chains, name)) {
    using one = WatchedChain.open(chains, state);
    const flags = found.get(placeOf(one));
    if (flags !== undefined) one.set(flags);
  }
}
