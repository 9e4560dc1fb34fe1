/**
 * The optimizer on other kernels: what these load as it is they load optimized, and it does the same there. Their
 * verifiers differ in what they remember of packets and in when they stop to look at a state again.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { relinked } from '../differential/chains.ts';
import { buildChain, CHAIN_PROGRAM, generateChain } from '../differential/long-chains.ts';
import { randomPackets } from '../differential/observe.ts';
import { attempt, type Before, beforeOf, wrongWith } from '../differential/optimized.ts';
import { FULL, SCOPES } from '../differential/stages.ts';
import { sys } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';

const SEED = 4;
const MEMBERS = vmObject('optimize');
const packets = randomPackets(SEED, 24).map((packet, at) => {
  packet.set([at & 3, (at >> 2) & 3], 13);
  return packet;
});

const total = { before: 0, after: 0 };

/** All passes at every scope. */
function check(before: Before): void {
  for (const scope of SCOPES) {
    const variant = { stage: FULL, scope };
    const outcome = attempt(before, variant, sys);
    expect(wrongWith(outcome, variant), scope).toBeUndefined();
    if (typeof outcome === 'string' || outcome.processed === undefined || scope === 'all') continue;
    total.before += outcome.processed.before;
    total.after += outcome.processed.after;
  }
}

describe('members', () => {
  test.each([
    ['opt_reads opt_writes opt_reads opt_writes opt_reads'],
    ['opt_reads opt_chooses opt_reads opt_chooses opt_reads'],
    ['opt_reads opt_jumps opt_reads opt_frame'],
    ['opt_frame opt_loop opt_frame opt_counter opt_loop'],
    ['opt_reads opt_moves opt_reads opt_moves opt_counter'],
  ])('%s', names => {
    const parts = names.split(' ').map(program => ({ component: MEMBERS, program }));
    const options = { program: CHAIN_PROGRAM, continueOn: ['2'], optimize: false };
    const object = relinked(relinkChain(parts, options));
    const steps = packets.map(packet => ({ program: CHAIN_PROGRAM, packet }));
    const before = beforeOf(object, SEED, steps, sys);
    expect(before.kernel).toBeTypeOf('object');
    check(before);
  });
});

describe('random chains', () => {
  let loaded = 0;
  const seeds = [3, 4, 8];
  test.each(seeds)('seed %i', seed => {
    const object = buildChain(generateChain(seed, 'little', 3));
    const steps = randomPackets(seed, 6).map(packet => ({ program: CHAIN_PROGRAM, packet }));
    const before = beforeOf(object, seed, steps, sys);
    // the oldest has no bpf_loop, and no fetch of atomic operations
    if (typeof before.kernel === 'string') return;
    loaded++;
    check(before);
  });

  afterAll(() => {
    process.stdout.write(
      `optimizer: ${loaded} of ${seeds.length} random chains load; the verifier processed ${total.before} instructions before and ${total.after} after\n`,
    );
  });

  test('cost the verifier hardly more in total', () => {
    expect(total.after).toBeLessThanOrEqual(total.before * 1.1);
  });
});
