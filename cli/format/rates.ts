/** Rates of programs and of members of chains as tables and as JSON. */

import type { ChainState, MemberRate, RunRate } from '../../src/chain/index.ts';
import type { Lines } from '../../src/diag/index.ts';
import { hookName } from '../flags/watched.ts';
import { table } from './table.ts';

/** The rates of one chain. */
export interface ChainRates {
  readonly state: ChainState;
  readonly hook: string;
  readonly rates: readonly MemberRate[];
}

export interface Rates {
  readonly chains: readonly ChainRates[];
  readonly programs: readonly RunRate[];
  /** The kernel counts runs meanwhile. */
  readonly isCounted: boolean;
}

const MEMBERS = ['interface', 'hook', 'member', 'packets/s', 'bits/s', 'ns', 'verdicts'];
const PROGRAMS = ['on', 'hook', 'entry', 'program', 'runs/s', 'ns'];

/** Programs, then members of chains in the order in which they run; nothing for what there is none of. */
export function rateTables(rates: Rates): Lines[] {
  const programs = rates.programs.map(rate => runCells(rate, rates.isCounted));
  const members = rates.chains.flatMap(({ state, hook, rates: ofChain }) =>
    ofChain.map((rate, at) => [at === 0 ? state.hook.interface : '', at === 0 ? hook : '', ...cellsOf(rate)]),
  );
  return [
    ...(programs.length === 0 ? [] : [table([PROGRAMS, ...programs], '', [4, 5])]),
    ...(members.length === 0 ? [] : [table([MEMBERS, ...members], '', [3, 4, 5])]),
  ];
}

function runCells({ hook, program, runs, nanoseconds }: RunRate, isCounted: boolean): string[] {
  const rate = runs === null || (runs === 0 && !isCounted) ? '-' : scaled(runs);
  const time = nanoseconds === null ? '-' : nanoseconds.toFixed(0);
  const kind = hookName({ hook: { kind: hook.kind, direction: hook.interface?.direction ?? null } });
  return [hook.place, kind, hook.entry ?? '-', program.name, rate, time];
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

export function ratesJson({ chains, programs, isCounted }: Rates): Readonly<Record<string, unknown>> {
  return {
    runsCounted: isCounted,
    programs: programs.map(({ hook, program, runs, nanoseconds }) => ({
      kind: hook.kind,
      place: hook.place,
      entry: hook.entry,
      id: program.id,
      name: program.name,
      runsPerSecond: runs,
      nanoseconds,
    })),
    chains: chains.map(chainJson),
  };
}

function chainJson({ state, hook, rates }: ChainRates): Readonly<Record<string, unknown>> {
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
