/** Chains of 2 to 20 small random programs as data, so that a failing one can be reduced. */

import type { ByteOrder } from '../../src/bytes/cursor.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { SeededRandom } from '../hostile/random.ts';
import { buildUnits } from './build.ts';
import { relinked } from './chains.ts';
import { generateModel } from './generate.ts';
import { describeModel, type Model, programsIn } from './model.ts';
import { shrink } from './shrink.ts';

export interface LongChain {
  readonly seed: number;
  readonly order: ByteOrder;
  /** Verdicts that continue. */
  readonly continueOn: readonly number[];
  /** The same model twice is the same component in two slots. */
  readonly members: readonly Model[];
}

export const CHAIN_PROGRAM = 'chain';
const MOST_MEMBERS = 20;

export function generateChain(seed: number, order: ByteOrder = 'little', cpu: 3 | 4 = 4): LongChain {
  const random = new SeededRandom(seed ^ 0xc4a1);
  // short ones are more frequent: they fail as well, and are faster
  const count = 2 + random.below(random.pick([3, 6, MOST_MEMBERS - 1]));
  const hook = random.below(4) === 0 ? 'tc' : 'xdp';
  const members: Model[] = [];
  for (let at = 0; at < count; at++) {
    const again = at > 0 && random.below(8) === 0;
    const options = { units: 1, oneProgram: true, verdictMask: 3, firstId: 12 * at, hook, cpu } as const;
    members.push(again ? random.pick(members) : generateModel(seed * 32 + at, options));
  }
  return { seed, order, members, continueOn: random.pick([[2], [0, 2], [1, 2, 3], [0, 1, 2, 3]]) };
}

/** The chain, linked; nothing is inlined. */
export function buildChain({ members, order, continueOn }: LongChain): BpfObject {
  const objects = new Map<Model, BpfObject>();
  members.forEach((model, at) => {
    const [object] = buildUnits(model, { byteOrder: order });
    if (object === undefined || objects.has(model)) return;
    objects.set(model, { ...object, name: `member${at}.o` });
  });
  const components = members.flatMap(model => {
    const component = objects.get(model);
    return component === undefined ? [] : [{ component, program: programsIn(model)[0]?.name ?? '' }];
  });
  return relinked(
    relinkChain(components, { program: CHAIN_PROGRAM, continueOn: continueOn.map(String), optimize: false }),
  );
}

/** A chain with fewer members that do less and still fails. */
export function shrinkChain(chain: LongChain, fails: (candidate: LongChain) => boolean): LongChain {
  let current = withFewerMembers(chain, fails);
  for (const at of current.members.keys()) {
    const model = current.members[at];
    if (model === undefined) continue;
    const changed = (to: Model): LongChain => ({
      ...current,
      members: current.members.map(member => (member === model ? to : member)),
    });
    const smaller = shrink(model, candidate => fails(changed(candidate)));
    current = changed(smaller);
  }
  return current;
}

function withFewerMembers(chain: LongChain, fails: (candidate: LongChain) => boolean): LongChain {
  let current = chain;
  for (let at = 0; at < current.members.length && current.members.length > 1; ) {
    const candidate = { ...current, members: current.members.filter((_, index) => index !== at) };
    if (fails(candidate)) current = candidate;
    else at++;
  }
  return current;
}

export function describeChain({ seed, members, continueOn }: LongChain): string {
  return [`chain ${seed}, continues on ${continueOn.join()}`, ...members.map(describeModel)].join('\n');
}
