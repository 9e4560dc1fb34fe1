/** `rootlet plan`: what `apply` would change, and which packets of a capture would get another verdict. */

import { buildCommand } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import {
  type ChainContext,
  type PlannedChain,
  planChains,
  type Simulation,
  simulateChain,
} from '../../src/chain/index.ts';
import { EXIT, joinBlocks, type Limits, type Lines } from '../../src/diag/index.ts';
import { DECLARED_FLAGS, type DeclaredFlags, findWanted, readDocuments } from '../flags/declared.ts';
import { text } from '../flags/kinds.ts';
import { limitsFlag, PLAN_LIMITS, parseLimits } from '../flags/limits.ts';
import { allNotes, formatPlan, planJson } from '../format/declared.ts';
import { formatSimulation, simulationJson } from '../format/simulation.ts';
import { type Context, guarded, print, printJson, tellLine } from '../io/context.ts';
import { captureSource } from '../run/capture.ts';
import { chainContext } from './chain/hook.ts';

interface Flags extends DeclaredFlags {
  readonly simulate?: string;
}

export const planCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Print what apply would change on the hooks of interfaces',
    fullDescription:
      'Compare the chains that documents declare with those that run, and print the difference: + is added, - is ' +
      'removed, ~ is changed. Everything is checked as apply checks it, and nothing is changed. The exit code is 0 if ' +
      'nothing is pending, 2 if something is pending, and another one for problems.',
  },
  parameters: {
    flags: {
      ...DECLARED_FLAGS,
      ...limitsFlag(PLAN_LIMITS),
      simulate: {
        ...text,
        brief: 'Run the packets of a capture through both chains in the machine: which verdicts change',
        placeholder: 'PCAP',
      },
    },
    aliases: { f: 'file' },
  },
  async func(flags) {
    let isPending = false;
    await guarded(this, flags.json, () => {
      const limits = parseLimits(flags, PLAN_LIMITS);
      const declared = readDocuments(flags, limits);
      const context = chainContext(this, flags, false);
      const ready = findWanted(context, flags, declared, limits);
      const planned = planChains(context, ready, { force: flags.force, load: given({ limits }) });
      isPending = planned.some(({ plan }) => plan.action !== 'none');
      const reports = planned.map(one => ({
        planned: one,
        simulation: simulationOf(context, flags, one, limits),
      }));
      if (flags.json) {
        const hooks = reports.map(one => ({
          ...planJson(one.planned),
          simulation: one.simulation === null ? null : simulationJson(one.planned, one.simulation),
        }));
        printJson(this, { ok: true, pending: isPending, hooks });
        return;
      }
      for (const note of reports.flatMap(({ planned, simulation }) => allNotes(planned.change, simulation)))
        tellLine(this, `rootlet: note: ${note}`);
      print(this, joinBlocks(reports.map(one => formatReport(one.planned, one.simulation))));
    });
    // 2 has one meaning here
    if (this.process.exitCode === EXIT.usage) this.process.exitCode = EXIT.input;
    if (isPending) this.process.exitCode ??= EXIT.pending;
  },
});

/** Also of hooks where nothing is pending: it shows that. */
function simulationOf(
  context: ChainContext,
  { simulate }: Flags,
  { running, design }: PlannedChain,
  limits: Limits | undefined,
): Simulation | null {
  if (simulate === undefined) return null;
  const source = captureSource(simulate);
  const simulation = simulateChain(context, running, design, source.packets(), limits);
  const warning = source.warning();
  return warning === null ? simulation : { ...simulation, notes: [...simulation.notes, warning] };
}

function formatReport(planned: PlannedChain, simulation: Simulation | null): Lines {
  const plan = formatPlan(planned);
  return simulation === null ? plan : joinBlocks([plan, formatSimulation(planned, simulation)]);
}
