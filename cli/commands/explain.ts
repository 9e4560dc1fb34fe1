/** `rootlet explain`: what members of a chain hide of each other. */

import { buildCommand } from '@stricli/core';
import type { ChainContext, ChainState } from '../../src/chain/index.ts';
import {
  type ChainExplanation,
  type ExplainedMember,
  explainChain,
  readRunning,
} from '../../src/chain/index.ts';
import { joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { chainContext, hookName, runningChains } from '../flags/watched.ts';
import { table } from '../format/table.ts';
import { type Context, guarded, print, printJson } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly json: boolean;
}

export const explainCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Explain which members of a chain hide packets',
    fullDescription:
      'Show what each member of the chains on an interface can return, as far as its code tells, which of it is ' +
      'final, and what follows: members that decide before others see the packet, members that never run, and ' +
      'verdicts that do not hold because the chain continues after them.',
  },
  parameters: {
    flags: { ...STORE_FLAGS, json: { ...off, brief: 'Output JSON' } },
    positional: { kind: 'tuple', parameters: [{ parse: String, placeholder: 'IFACE', brief: 'Interface' }] },
  },
  async func(flags, name) {
    await guarded(this, flags.json, () => {
      const chains = chainContext(this, flags, openSys({ requireRights: false }));
      const explained = runningChains(chains, name).map(state => explanationOf(chains, state));
      if (flags.json) printJson(this, { ok: true, chains: explained.map(explanationJson) });
      else print(this, joinBlocks(explained.map(explanationText)));
    });
  },
});

interface Explained extends ChainExplanation {
  readonly state: ChainState;
}

function explanationOf(chains: ChainContext, { hook }: ChainState): Explained {
  const { state, design } = readRunning(chains, hook);
  return { state, ...explainChain(hook, design) };
}

function explanationText({ state, members, findings }: Explained): Lines {
  const rows = members.map(member => [member.name, ...returnCells(member)]);
  const lines = findings.length === 0 ? ['nothing is hidden'] : findings.map(({ text }) => text);
  const heading = `${state.hook.interface} ${hookName(state)}`;
  return joinBlocks([
    line(heading),
    table([['member', 'final', 'continues'], ...rows], '  '),
    ...lines.map(text => line(`  ${text}`)),
    line(''),
  ]);
}

function returnCells({ returns, unknown }: ExplainedMember): string[] {
  const list = (continues: boolean): string => {
    const names = returns.filter(one => one.continues === continues).map(({ name }) => name);
    return [...names, ...(unknown.length > 0 ? ['?'] : [])].join(', ') || '-';
  };
  return [list(false), list(true)];
}

function explanationJson({ state, members, findings }: Explained): Readonly<Record<string, unknown>> {
  return { interface: state.hook.interface, hook: hookName(state), members, findings };
}
