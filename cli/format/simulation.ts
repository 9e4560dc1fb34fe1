/** Which packets get another verdict, as a table and as data. */

import type { ChainPlan, PlannedChain, SimulatedVerdict, Simulation } from '../../src/chain/index.ts';
import { counted, joinBlocks, type Lines, line } from '../../src/diag/index.ts';
import { verdictName } from '../../src/object/index.ts';
import { PROGRAM_TYPE } from './chain-table.ts';
import { table } from './table.ts';

/** Packets that are listed; all of them are in the counts and in the JSON. */
const MOST_ROWS = 100;

export function formatSimulation({ plan }: PlannedChain, simulation: Simulation): Lines {
  const { packets, changed, otherMember } = simulation;
  const rows = changed.slice(0, MOST_ROWS).map(({ number, from, to }) => {
    return [`packet ${number}`, verdictText(plan, from), '->', verdictText(plan, to)];
  });
  const rest =
    changed.length > MOST_ROWS ? [`  … and ${counted(changed.length - MOST_ROWS, 'packet')} more`] : [];
  const totals = simulation.pairs
    .filter(({ from, to }) => from !== to)
    .map(one => `  ${counted(one.packets, 'packet')}: ${wordOf(plan, one.from)} -> ${wordOf(plan, one.to)}`);
  const others =
    otherMember === 0 ? [] : [`  ${counted(otherMember, 'packet')}: the same verdict, of another member`];
  const head = `simulated ${counted(packets, 'packet')}: ${
    changed.length === 0 ? 'no verdict changes' : `${changed.length} change their verdict`
  }`;
  const after = [...rest, ...totals, ...others];
  return joinBlocks([line(head), ...(rows.length === 0 ? [] : [table(rows, '  ')]), ...after.map(line)]);
}

function verdictText(plan: ChainPlan, { verdict, member }: SimulatedVerdict): string {
  const by = member === null ? 'no chain' : `by ${member}`;
  return `${wordOf(plan, verdict)} (${by})`;
}

function wordOf({ hook }: ChainPlan, verdict: number): string {
  return verdictName(PROGRAM_TYPE[hook.kind], verdict);
}

export function simulationJson(
  { plan }: PlannedChain,
  { packets, changed, otherMember, pairs, notes }: Simulation,
): Record<string, unknown> {
  const word = (verdict: number): string => wordOf(plan, verdict);
  const side = ({ verdict, member }: SimulatedVerdict) => ({ verdict: word(verdict), member });
  return {
    packets,
    changed: changed.map(({ number, from, to }) => ({ number, from: side(from), to: side(to) })),
    otherMember,
    verdicts: pairs.map(one => ({ ...one, from: word(one.from), to: word(one.to) })),
    notes,
  };
}
