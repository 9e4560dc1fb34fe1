/** `rootlet metrics`: counters of chains for Prometheus. */

import { buildCommand } from '@stricli/core';
import { encodeText } from '../../src/bytes/index.ts';
import type { ChainContext } from '../../src/chain/index.ts';
import { listChains, WatchedChain } from '../../src/chain/index.ts';
import { asLines, usageError } from '../../src/diag/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { WATCH_COUNT } from '../../src/link/index.ts';
import { off, text } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { chainContext, hookName } from '../flags/watched.ts';
import { type ChainCounts, CONTENT_TYPE, prometheusText } from '../format/prometheus.ts';
import { type Context, guarded, print, tellLine } from '../io/context.ts';
import { writeOutput } from '../io/files.ts';
import { parseListen, serveMetrics } from '../io/metrics-server.ts';
import { Stop } from '../io/stop.ts';

interface Flags extends StoreFlags {
  readonly listen?: string;
  readonly textfile?: string;
  readonly asIs: boolean;
}

export const metricsCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Output counters of chains for Prometheus',
    fullDescription:
      'Output what the members of all chains of this network namespace have counted, in the text format of ' +
      'Prometheus. Counting is switched on where it is off, and stays on, unless --as-is is given; "rootlet top ' +
      '--off" switches it off.',
  },
  parameters: {
    flags: {
      listen: { ...text, brief: 'Serve /metrics over HTTP until ^C', placeholder: 'ADDR:PORT' },
      textfile: {
        ...text,
        brief: 'Write a file, replaced in one step, for the textfile collector',
        placeholder: 'FILE',
      },
      asIs: { ...off, brief: 'Leave the switches of chains as they are' },
      ...STORE_FLAGS,
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, false, async () => {
      const { listen, textfile } = flags;
      if (listen !== undefined && textfile !== undefined)
        throw usageError('watch-address', '--listen and --textfile are given: one place only');
      const chains = chainContext(this, flags, openSys({ requireRights: false }));
      const page = (): string => prometheusText(countsOf(this, chains, flags));
      if (listen !== undefined) await serve(this, listen, page);
      else if (textfile !== undefined) writeOutput(textfile, encodeText(page()));
      else print(this, asLines(page()));
    });
  },
});

async function serve(context: Context, listen: string, page: () => string): Promise<void> {
  const address = parseListen(listen);
  using stop = new Stop();
  const server = await serveMetrics(address, CONTENT_TYPE, page);
  tellLine(
    context,
    `rootlet: http://${listen.startsWith(':') ? 'localhost' : ''}${listen.replace(/\d+$/, '')}${server.port}/metrics`,
  );
  await stop.ended();
  await server.close();
}

function countsOf(context: Context, chains: ChainContext, { asIs }: Flags): ChainCounts[] {
  const states = [...listChains(chains, 'xdp'), ...listChains(chains, 'tc')].filter(
    ({ kind }) => kind === 'chain',
  );
  return states.map(state => {
    using chain = WatchedChain.open(chains, state);
    const hook = hookName(state);
    if (!asIs && chain.isCounted && !chain.has(WATCH_COUNT)) {
      chain.set(chain.flags | WATCH_COUNT);
      tellLine(context, `rootlet: counting is on: ${state.hook.interface} ${hook}`);
    }
    const reading = chain.read(process.hrtime.bigint());
    return { state, hook, reading, counting: (reading.flags & WATCH_COUNT) !== 0 };
  });
}
