/** Rates of members as a table and as JSON. */

import type { ChainState, MemberRate } from '../../src/chain/index.ts';
import type { Lines } from '../../src/diag/index.ts';
import { table } from './table.ts';

/** The rates of one chain. */
export interface ChainRates {
  readonly state: ChainState;
  readonly hook: string;
  readonly rates: readonly MemberRate[];
}

const HEADINGS = ['interface', 'hook', 'member', 'packets/s', 'bits/s', 'ns', 'verdicts'];

/** One row for each member, in the order in which they run. */
export function rateTable(chains: readonly ChainRates[]): Lines {
  const rows = chains.flatMap(({ state, hook, rates }) =>
    rates.map((rate, at) => [at === 0 ? state.hook.interface : '', at === 0 ? hook : '', ...cellsOf(rate)]),
  );
  return table([HEADINGS, ...rows], '', [3, 4, 5]);
}

function cellsOf({ member, rate, reason }: MemberRate): string[] {
  if (rate === null) return [member.name, '-', '-', '-', `${reason}`];
  const verdicts = rate.verdicts.map(({ name, share }) => `${name} ${percent(share)}`);
  const time = rate.nanoseconds === null ? '-' : rate.nanoseconds.toFixed(0);
  return [member.name, scaled(rate.packets), scaled(rate.bits), time, verdicts.join(', ')];
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)}%`;
}

const UNITS = ['', 'k', 'M', 'G', 'T'];

/** Three digits with a unit: `1.23M`. */
export function scaled(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const text = rest >= 100 || Number.isInteger(rest) ? rest.toFixed(0) : rest.toPrecision(3);
  return `${text}${UNITS[unit]}`;
}

export function ratesJson({ state, hook, rates }: ChainRates): Readonly<Record<string, unknown>> {
  const members = rates.map(({ member, rate, reason }) => ({
    name: member.name,
    program: member.program,
    reason,
    packetsPerSecond: rate?.packets ?? null,
    bitsPerSecond: rate?.bits ?? null,
    nanoseconds: rate?.nanoseconds ?? null,
    verdicts:
      rate?.verdicts.map(({ name, packets, share }) => ({ name, packetsPerSecond: packets, share })) ?? null,
  }));
  return { interface: state.hook.interface, hook, members };
}
