/** `rootlet xdp trace`: single packets of a chain, with the member that decided. */

import { buildCommand, numberParser } from '@stricli/core';
import type { ChainContext, ChainState } from '../../../src/chain/index.ts';
import {
  findChainHook,
  PacketTrace,
  readChain,
  requireMember,
  type TracedPacket,
  WatchedChain,
} from '../../../src/chain/index.ts';
import { available, counted, quote, shellWord, usageError } from '../../../src/diag/index.ts';
import { openSys } from '../../../src/kernel/index.ts';
import { WATCH_TRACE } from '../../../src/link/index.ts';
import { verdictName, verdictOfWord, verdictWords } from '../../../src/object/index.ts';
import { BPF_PROG_TYPE_XDP } from '../../../src/uapi/index.ts';
import { off, text } from '../../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../../flags/loading.ts';
import { chainContext } from '../../flags/watched.ts';
import { packetText } from '../../format/packet.ts';
import { type Context, guarded, printJsonLine, printLine, tellLine } from '../../io/context.ts';
import { Stop } from '../../io/stop.ts';

interface Flags extends StoreFlags {
  readonly count?: number;
  readonly member?: string;
  readonly verdict?: string;
  readonly json: boolean;
}

export const traceCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Show single packets of a chain, and the member that decided',
    fullDescription:
      'Print one line for each packet of the chain on an interface, until ^C: the time, the member that decided, its ' +
      'verdict, the length, and addresses and ports as they were when the packet left the chain. Packets that are not ' +
      'read in time are left out, and counted.',
  },
  parameters: {
    flags: {
      count: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'End after so many packets',
        placeholder: 'N',
      },
      member: { ...text, brief: 'Only packets that this member decided', placeholder: 'NAME' },
      verdict: { ...text, brief: 'Only packets with this verdict', placeholder: 'VERDICT' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output one JSON document a line for each packet' },
    },
    positional: { kind: 'tuple', parameters: [{ parse: String, placeholder: 'IFACE', brief: 'Interface' }] },
  },
  async func(flags, name) {
    await guarded(this, flags.json, async () => {
      const chains = chainContext(this, flags, openSys({ requireRights: false }));
      const state = chainOn(chains, name);
      if (flags.member !== undefined) requireMember(memberKeys(state), flags.member);
      const filter = filterOf(flags);
      await trace(this, flags, filter, () => chainOn(chains, name), chains);
    });
  },
});

function chainOn(chains: ChainContext, name: string): ChainState {
  const state = readChain(chains, findChainHook(chains.sys, name, 'xdp'));
  if (state.kind === 'chain') return state;
  throw usageError('watch-no-chain', `interface ${quote(name)} has no chain`, {
    hint: `rootlet xdp load ${shellWord(name)} FILE... makes one`,
  });
}

function memberKeys({ members }: ChainState) {
  return members.map(({ name, loaded }) => ({
    name,
    loaded: loaded === null ? null : loaded.id,
    adopted: null,
  }));
}

type Filter = (packet: TracedPacket) => boolean;

/** Throws `chain-verdict`. */
function filterOf({ member, verdict }: Flags): Filter {
  const wanted = verdict === undefined ? undefined : verdictOf(verdict);
  return packet =>
    (member === undefined || packet.member?.name === member) &&
    (wanted === undefined || packet.verdict === wanted);
}

function verdictOf(word: string): number {
  if (/^\d{1,9}$/.test(word)) return Number(word);
  const value = verdictOfWord(BPF_PROG_TYPE_XDP, word);
  if (typeof value === 'number') return value;
  throw usageError('chain-verdict', `${quote(word)} is not a valid verdict of XDP programs`, {
    hint: `${available('there are', verdictWords(BPF_PROG_TYPE_XDP))}, or a number`,
  });
}

// --- reading ------------------------------------------------------------------------------------------------------

/** Milliseconds between two looks at the buffers, and after which the chain is looked at again. */
const [POLL, LOOK_AGAIN] = [50, 1000];

/** What a trace has printed so far. */
interface Progress {
  first: bigint | undefined;
  printed: number;
  lost: number;
}

/** A chain may be changed meanwhile: the members of the next generation are other ones. */
async function trace(
  context: Context,
  flags: Flags,
  filter: Filter,
  read: () => ChainState,
  chains: ChainContext,
): Promise<void> {
  using stop = new Stop();
  const progress: Progress = { first: undefined, printed: 0, lost: 0 };
  const isDone = (): boolean =>
    stop.isStopped || (flags.count !== undefined && progress.printed >= flags.count);
  while (!isDone()) await traceGeneration(context, flags, filter, read, chains, { stop, progress, isDone });
  if (progress.lost > 0)
    tellLine(context, `rootlet: ${counted(progress.lost, 'packet')} were not read in time`);
}

interface Run {
  readonly stop: Stop;
  readonly progress: Progress;
  readonly isDone: () => boolean;
}

async function traceGeneration(
  context: Context,
  flags: Flags,
  filter: Filter,
  read: () => ChainState,
  chains: ChainContext,
  { stop, progress, isDone }: Run,
): Promise<void> {
  using chain = WatchedChain.open(chains, read());
  if (chain.traces.length === 0) throw cannotTrace(chain);
  const found = chain.flags;
  using records = new PacketTrace(chain);
  chain.set(found | WATCH_TRACE);
  try {
    for (let waited = 0; !isDone(); waited += POLL) {
      for (const packet of records.read()) {
        if (isDone()) break;
        if (filter(packet)) show(context, flags, packet, progress);
      }
      if (isDone()) break;
      await stop.wait(POLL);
      if (waited % LOOK_AGAIN === 0 && read().program?.id !== chain.state.program?.id) break;
    }
  } finally {
    progress.lost += records.lost;
    chain.set(found & ~WATCH_TRACE);
  }
}

function cannotTrace({ isCounted, state }: WatchedChain) {
  const { interface: name } = state.hook;
  if (!isCounted)
    return usageError('watch-no-counters', `${name}: the members have no counters`, {
      hint: 'members are loaded with counters unless they would exceed a limit of the kernel; loading them says so',
    });
  return usageError('watch-no-trace', `${name}: packets of this chain cannot be traced`, {
    hint: 'bpf_perf_event_output is for programs with a license that is compatible with the GPL',
  });
}

function show(context: Context, { json }: Flags, packet: TracedPacket, progress: Progress): void {
  progress.first ??= packet.time;
  progress.printed++;
  if (json) printJsonLine(context, packetJson(packet));
  else printLine(context, lineOf(packet, progress.first));
}

/** The time counts from the first packet. */
function lineOf({ time, member, verdictName: verdict, length, packet }: TracedPacket, first: bigint): string {
  const seconds = (Number(time - first) / 1e9).toFixed(6).padStart(11);
  const name = member === null ? '(end of chain)' : member.name;
  return `${seconds}  ${name.padEnd(16)}  ${verdict.padEnd(8)}  ${String(length).padStart(5)}  ${packetText(packet)}`;
}

function packetJson({
  time,
  cpu,
  member,
  verdict,
  length,
  packet,
}: TracedPacket): Readonly<Record<string, unknown>> {
  return {
    ok: true,
    time,
    cpu,
    member: member === null ? null : member.name,
    verdict: verdictName(BPF_PROG_TYPE_XDP, verdict),
    returned: verdict,
    length,
    packet: Buffer.from(packet).toString('hex'),
    text: packetText(packet),
  };
}
