/**
 * Counters of chains in the text format of Prometheus, version 0.0.4: families of samples, each with its help and
 * type. Names and labels are an interface that dashboards depend on; docs/counters.md lists them.
 */

import { type ChainState, type MemberReading, type Reading, whyNotCounted } from '../../src/chain/index.ts';
import { printable } from '../../src/diag/index.ts';

/** What one chain has counted. */
export interface ChainCounts {
  readonly state: ChainState;
  /** `xdp`, `tc-ingress`, `tc-egress`. */
  readonly hook: string;
  readonly reading: Reading;
  /** Whether it counts now. */
  readonly counting: boolean;
}

type Labels = readonly (readonly [string, string])[];
type Sample = readonly [labels: Labels, value: bigint | number | string];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

/** Of HTTP answers. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All families, also those without a sample. */
export function prometheusText(chains: readonly ChainCounts[]): string {
  return [...familiesOf(chains).map(familyText), ...chains.flatMap(commentsOf)].join('');
}

/** Members that have no sample, as comments of the format. */
function commentsOf({ state, hook, reading }: ChainCounts): string[] {
  const missing = reading.members.filter(({ counters }) => counters === null);
  return missing.map(({ member }) => {
    const what = `${state.hook.interface} ${hook}: member ${member.name}: ${whyNotCounted(member)}`;
    return `# ${escaped(what)}\n`;
  });
}

function familiesOf(chains: readonly ChainCounts[]): readonly Family[] {
  const members = chains.flatMap(chain => chain.reading.members.map((member, at) => ({ chain, member, at })));
  const counted = members.flatMap(({ chain, member }) =>
    member.counters === null ? [] : [{ labels: labelsOf(chain, member), counters: member.counters }],
  );
  return [
    {
      name: 'rootlet_member_packets_total',
      help: 'Packets that a member of a chain returned a verdict for.',
      type: 'counter',
      samples: counted.flatMap(({ labels, counters }) =>
        counters.verdicts.map(({ name, packets }): Sample => [[...labels, ['verdict', name]], packets]),
      ),
    },
    {
      name: 'rootlet_member_bytes_total',
      help: 'Bytes of packets that a member of a chain was run on.',
      type: 'counter',
      samples: counted.map(({ labels, counters }): Sample => [labels, counters.bytes]),
    },
    {
      name: 'rootlet_member_timed_packets_total',
      help: 'Packets for which the time in a member of a chain was taken.',
      type: 'counter',
      samples: counted.map(({ labels, counters }): Sample => [labels, counters.timed]),
    },
    {
      name: 'rootlet_member_time_seconds_total',
      help: 'Time that a member of a chain took for its timed packets.',
      type: 'counter',
      samples: counted.map(({ labels, counters }): Sample => [labels, seconds(counters.time)]),
    },
    {
      name: 'rootlet_member_place',
      help: 'Place of a member in its chain; 1 runs first.',
      type: 'gauge',
      samples: members.map(({ chain, member, at }): Sample => [labelsOf(chain, member), at + 1]),
    },
    {
      name: 'rootlet_chain_counting',
      help: 'Whether a chain counts packets now.',
      type: 'gauge',
      samples: chains.map(({ state, hook, counting }): Sample => [hookLabels(state, hook), counting ? 1 : 0]),
    },
  ];
}

function hookLabels({ hook: { interface: name } }: ChainState, hook: string): Labels {
  return [
    ['interface', name],
    ['hook', hook],
  ];
}

function labelsOf({ state, hook }: ChainCounts, { member }: MemberReading): Labels {
  return [...hookLabels(state, hook), ['member', member.name], ['program', member.program]];
}

/** Exact, whatever the number of nanoseconds. */
function seconds(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}{${labels.map(labelText).join(',')}} ${value}\n`);
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText([name, value]: readonly [string, string]): string {
  return `${name}="${escaped(value).replaceAll('"', '\\"')}"`;
}

/**
 * What a terminal obeys or hides is in names as `printable()` shows it: the format has no escapes for it,
 * and labels are the same on standard output, in files and over HTTP.
 */
function escaped(text: string): string {
  return printable(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
