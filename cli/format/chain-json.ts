/** Chains as data: what `docs/schema/chain-status.schema.json` describes. */

import { type ChainState, explainPlace, type MemberState } from '../../src/chain/index.ts';
import { verdictWord } from '../../src/object/index.ts';
import type { Settings } from '../../src/state/index.ts';
import { PROGRAM_TYPE } from './chain-table.ts';

/** One hook of the document. */
export function chainJson(chain: ChainState): Record<string, unknown> {
  const { hook, kind, via, version, mode, program, failClosed, optimized, entry, problems } = chain;
  return {
    hook,
    kind,
    via,
    version,
    mode,
    program,
    failClosed,
    optimized: optimized ?? null,
    entry,
    members: chain.members.map((member, at) => memberJson(chain, member, at)),
    problems,
  };
}

function memberJson(chain: ChainState, member: MemberState, at: number): Record<string, unknown> {
  const { name, program, file, priority, continueOn, loaded, settings, lost } = member;
  const type = PROGRAM_TYPE[chain.hook.kind];
  return {
    name,
    program,
    file,
    position: at + 1,
    priority,
    order: explainPlace(chain.members, at),
    continueOn: continueOn.map(verdict => verdictWord(type, verdict)),
    loaded,
    settings: settingsJson(settings),
    lost,
  };
}

function settingsJson({ globals, maxEntries }: Settings): Record<string, unknown>[] {
  return [
    ...[...globals].map(([variable, value]) => ({ variable, value })),
    ...[...maxEntries].map(([map, count]) => ({ map, maxEntries: count })),
  ];
}

/** The document of `status`, but for what every document has. */
export function statusJson(chains: readonly ChainState[]): Record<string, unknown> {
  return { chains: chains.map(chainJson) };
}
