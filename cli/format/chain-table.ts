/**
 * Chains of interfaces as a table. The first seven columns are those of `xdp-loader status`, byte for byte, and a
 * member is a row that begins with ` =>` and has its id as the fourth word: scripts read such tables. What
 * xdp-loader does not have is to the right of them, and never on lines of its own.
 */

import { elementAt } from '../../src/bytes/index.ts';
import {
  type ChainKind,
  type ChainState,
  explainPlace,
  isHidden,
  type MemberState,
  type ProgramFacts,
} from '../../src/chain/index.ts';
import { joinLines, type Lines, oneLine, printableName } from '../../src/diag/index.ts';
import type { XdpMode } from '../../src/kernel/index.ts';
import { type Verdict, verdictConstant } from '../../src/object/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../src/uapi/index.ts';

/** Type of the programs of a kind of chain. */
export const PROGRAM_TYPE: Readonly<Record<ChainKind, number>> = {
  xdp: BPF_PROG_TYPE_XDP,
  tc: BPF_PROG_TYPE_SCHED_CLS,
};

/** Modes as xdp-loader has them. */
const MODE = { native: 'native', generic: 'skb', offload: 'hw' } as const;

export function modeWord(mode: XdpMode): string {
  return MODE[mode];
}

/** Widths of the columns before the last one, and the width that replaces all of them where nothing runs. */
const WIDTHS = [16, 5, 17, 8, 4, 17] as const;
const EMPTY_WIDTH = 22;

const HEADERS = {
  xdp: ['Interface', 'Prio', 'Program name', 'Mode', 'ID', 'Tag'],
  tc: ['Interface', 'Prio', 'Program name', 'Hook', 'ID', 'Tag'],
} as const;
const ACTIONS = 'Chain actions';
const MORE = ['Member', 'Order', 'File'] as const;

/** A line: the columns that are padded to fixed widths, and the cells after them. */
interface Line {
  readonly fixed: string;
  readonly actions: string;
  readonly more: readonly string[];
}

/** The table of `status`, with its title. */
export function statusTable(kind: ChainKind, chains: readonly ChainState[]): Lines {
  const shown = kind === 'tc' ? withoutIdleHooks(chains) : chains;
  const lines = shown.flatMap(chain => [hookLine(kind, chain), ...chain.members.map(memberLine(chain))]);
  const hasMore = lines.some(({ more }) => more.length > 0);
  const header = { fixed: fixed(HEADERS[kind]), actions: ACTIONS, more: hasMore ? MORE : [] };
  const [head = '', ...rows] = aligned([header, ...lines]);
  const rule = '-'.repeat(Math.max(head.length, RULE));
  return joinLines([`CURRENT ${kind.toUpperCase()} PROGRAM STATUS:`, '', head, rule, ...rows, '', '']);
}

/** Length of the rule of xdp-loader. */
const RULE = 86;

/** An interface has two TC hooks; one line is enough for those without programs. */
function withoutIdleHooks(chains: readonly ChainState[]): ChainState[] {
  return chains.filter((chain, at) => {
    const others = chains.filter(other => other.hook.ifindex === chain.hook.ifindex && other !== chain);
    const isFirst = chains.findIndex(other => other.hook.ifindex === chain.hook.ifindex) === at;
    return chain.kind !== 'none' || (isFirst && others.every(other => other.kind === 'none'));
  });
}

function fixed(cells: readonly string[]): string {
  return cells.map((cell, at) => printableName(cell).padEnd(elementAt(WIDTHS, at))).join(' ');
}

function hookLine(kind: ChainKind, chain: ChainState): Line {
  const { hook, program, mode } = chain;
  if (chain.kind === 'none') {
    const name = printableName(hook.interface).padEnd(EMPTY_WIDTH);
    return { fixed: `${name} <No ${kind.toUpperCase()} program loaded!>`, actions: '', more: [] };
  }
  const place = kind === 'tc' ? hook.direction : mode === null ? 'unspecified' : modeWord(mode);
  return {
    fixed: fixed([hook.interface, '', nameOf(program), place ?? '-', ...idAndTag(program)]),
    actions: '',
    more:
      chain.kind === 'chain' ? [[`${chain.via ?? 'unknown'} chain`, ...chainFacts(chain)].join(', ')] : [],
  };
}

function nameOf(program: ProgramFacts | null): string {
  if (program === null) return '-';
  return isHidden(program) ? 'not visible' : program.name;
}

/** `-` where the member is a part of a linked program. */
function idAndTag(program: ProgramFacts | null): readonly [id: string, tag: string] {
  return program === null ? ['-', '-'] : [String(program.id), program.tag];
}

function memberLine(chain: ChainState): (member: MemberState, at: number) => Line {
  return (member, at) => ({
    fixed: fixed([
      ' =>',
      String(member.priority),
      ` ${printableName(member.program).padEnd(16)}`,
      '',
      ...idAndTag(member.loaded),
    ]),
    actions: actionsOf(chain.hook.kind, member.continueOn),
    more: [member.name, orderOf(chain, member, at), member.file ?? '(loaded by another tool)'],
  });
}

/** Verdicts after which the next member runs, by the names of their constants. */
export function actionsOf(kind: ChainKind, verdicts: readonly Verdict[]): string {
  return verdicts.map(verdict => verdictConstant(PROGRAM_TYPE[kind], verdict)).join(',');
}

function orderOf(chain: ChainState, { lost }: MemberState, at: number): string {
  if (lost === null) return explainPlace(chain.members, at);
  return `does not run: ${lost}${chain.failClosed ? '; packets that reach it are dropped' : ''}`;
}

/** `protocol version 2`, `entry xdp-eth0`, `fails closed`, `optimized (single)`. */
export function chainFacts({ version, entry, failClosed, optimized = 'none' }: ChainState): string[] {
  return [
    ...(version === null ? [] : [`protocol version ${version}`]),
    ...(entry === null ? [] : [`entry ${entry}`]),
    ...(failClosed ? ['fails closed'] : []),
    ...(optimized === 'none' ? [] : [`optimized (${optimized})`]),
  ];
}

/** What is to the right of the fixed columns, in columns as wide as their cells; that of a hook has no column. */
function aligned(lines: readonly Line[]): string[] {
  const rows = lines.map(({ fixed: start, actions, more }) => ({
    start,
    cells: [actions, ...more.map(oneLine)],
  }));
  const full = rows.filter(({ cells }) => cells.length > MORE.length);
  const widths = [ACTIONS, ...MORE].map((_, column) =>
    Math.max(0, ...full.map(({ cells }) => elementAt(cells, column).length)),
  );
  return rows.map(({ start, cells }) => {
    const padded = cells.map((cell, column) => cell.padEnd(elementAt(widths, column)));
    return [start, padded.join('  ')].join(' ').trimEnd();
  });
}
