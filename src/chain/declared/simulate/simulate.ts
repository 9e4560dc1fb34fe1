/** Which packets get another verdict from the declared chain than from the one that runs. Nothing is touched. */

import { inputError, type Limits, within } from '../../../diag/index.ts';
import type { Timestamp } from '../../../vm/index.ts';
import type { ChainContext, RunningChain } from '../../engine/index.ts';
import { spellHook } from '../../engine/index.ts';
import type { ChainDesign } from '../../model/index.ts';
import { openChainMachine, type SimulatedVerdict } from './chain-machine.ts';
import { readLive } from './live.ts';

export interface SimulatedPacket {
  /** As in the capture, from 1. */
  readonly number: number;
  readonly from: SimulatedVerdict;
  readonly to: SimulatedVerdict;
}

export interface Simulation {
  readonly packets: number;
  /** Packets whose verdict differs. */
  readonly changed: readonly SimulatedPacket[];
  /** Packets with the same verdict of another member. */
  readonly otherMember: number;
  /** How often there was each pair of verdicts. */
  readonly pairs: readonly { readonly from: number; readonly to: number; readonly packets: number }[];
  /** One sentence each. */
  readonly notes: readonly string[];
}

export interface PacketInput {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly timestamp?: Timestamp | undefined;
}

/** Runs packets through both chains, each in a machine with these limits. Throws `chain-simulate`, and faults of programs with the packet. */
export function simulateChain(
  context: ChainContext,
  running: RunningChain,
  next: ChainDesign,
  packets: Iterable<PacketInput>,
  limits?: Limits,
): Simulation {
  const { state, design } = running;
  if (state.kind === 'foreign')
    throw inputError(
      'chain-simulate',
      [spellHook(state.hook)],
      'the program on the hook has no file to run',
      {
        hint: 'plan without --simulate compares the chains',
      },
    );
  const live = readLive(context, running);
  const before = openChainMachine(state.hook, design, live, limits);
  try {
    const after = openChainMachine(state.hook, next, live, limits);
    try {
      const notes = [...new Set([...before.notes, ...after.notes])];
      return { ...compare(before.run, after.run, packets), notes };
    } finally {
      after.close();
    }
  } finally {
    before.close();
  }
}

type Run = (packet: Uint8Array, timestamp: Timestamp | undefined) => SimulatedVerdict;

function compare(before: Run, after: Run, packets: Iterable<PacketInput>): Omit<Simulation, 'notes'> {
  const changed: SimulatedPacket[] = [];
  const pairs = new Map<string, { from: number; to: number; packets: number }>();
  let [count, otherMember] = [0, 0];
  for (const { number, bytes, timestamp } of packets) {
    const place = `packet ${number}`;
    const from = within(place, () => before(bytes, timestamp));
    const to = within(place, () => after(bytes, timestamp));
    count++;
    if (from.verdict !== to.verdict) changed.push({ number, from, to });
    else if (from.member !== to.member) otherMember++;
    const key = `${from.verdict} ${to.verdict}`;
    const pair = pairs.get(key) ?? { from: from.verdict, to: to.verdict, packets: 0 };
    pair.packets++;
    pairs.set(key, pair);
  }
  return { packets: count, changed, otherMember, pairs: [...pairs.values()] };
}
