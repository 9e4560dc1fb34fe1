/** The tables of `npm run bench:link`: every target with what was measured, and why where it is missed. */

import { table } from './support.ts';

/** Seconds and bytes. */
export interface ChainFigures {
  readonly shape: 'small' | 'wide';
  readonly count: number;
  readonly bytes: number;
  /** Bare Node, measured one after the other with the rest. */
  readonly bare: number;
  readonly seconds: number;
  /** `bpftool gen object`, where it was run. */
  readonly peerSeconds: number | undefined;
  /** Peak over that of bare Node. */
  readonly memory: number;
  readonly output: number;
}

export interface KernelTypes {
  readonly theirs: number;
  readonly ours: number;
  readonly theirTypes: number;
  readonly ourTypes: number;
}

export interface LinkFigures {
  readonly bare: number;
  readonly barePeak: number;
  readonly version: number;
  /** Two small objects: what any link costs. */
  readonly least: ChainFigures;
  readonly chains: readonly ChainFigures[];
  readonly warm: number;
  readonly kernelTypes: KernelTypes | null;
}

interface Target {
  readonly text: string;
  readonly limit: number;
  readonly measured: number;
  /** The measured value has to be at least the limit, not at most. */
  readonly atLeast?: boolean;
  readonly unit: string;
  /** Printed where the target is missed. */
  readonly why: string;
}

/** From profiles of these runs; the shares are of the time of the link without Node's start. */
const START =
  'code that runs once is interpreted: a chain of 50 small objects takes six times longer in a fresh process than ' +
  'when it is repeated in one, and two objects already cost what stands below the tables';
const PROFILE =
  "beside Node's own start, which bpftool does not have, the profile is flat: reading and checking the inputs takes " +
  'half, merging types and symbols a fifth to a quarter, binding names an eighth, writing a tenth, the collector a ' +
  'tenth of all that, and no single function more than a fortieth; much of it runs before V8 has optimised it';
const OBJECTS =
  'while the result is made, symbols and references of the inputs and of the result live side by side as JavaScript ' +
  'objects: with wide 800, 21 and 18 MB for 10.6 MB of files, about 250 bytes for a symbol with a reference; with the ' +
  'bytes of code and types that is 5 times the input. The rest is garbage that the collector has not taken yet, and ' +
  'compiled code and its feedback, most of the 17 MiB that 50 small objects (0.3 MB) already take';

export function reportLinks(figures: LinkFigures): string {
  const { bare, barePeak, version, least, warm, kernelTypes } = figures;
  const lines = [
    'Whole processes, alternately, medians. "Over Node": without the time and memory of `node -e 0`, ' +
      `which takes ${bare.toFixed(3)} s and ${mebi(barePeak)} MiB here.`,
    '',
    table(
      ['target', 'limit', 'measured', 'met'],
      targetsOf(figures).map(target => rowOf(target)),
    ),
    '',
    ...missesOf(figures),
    table(
      [
        'shape',
        'objects',
        'MB in',
        'MB out',
        'rootlet s',
        'over Node s',
        'bpftool s',
        'faster',
        'faster, over Node',
        'MiB over Node',
        'memory ÷ input',
      ],
      figures.chains.map(rowOfChain),
    ),
    '',
    `Two small objects: ${milli(overNode(least))} ms over Node in a fresh process, ${(warm * 1000).toFixed(2)} ms in a warm ` +
      `one. \`rootlet --version\`: ${version.toFixed(3)} s.`,
  ];
  if (kernelTypes !== null) {
    const { theirs, ours, theirTypes, ourTypes } = kernelTypes;
    lines.push(
      `Types of the running kernel, parsed and deduplicated in a fresh process: libbpf ${theirs.toFixed(3)} s ` +
        `(${theirTypes} types stay), rootlet ${ours.toFixed(3)} s (${ourTypes} types stay; ` +
        'the data section for variables of each processor is not among them: it is rebuilt when writing).',
    );
  }
  return lines.join('\n');
}

// --- targets ------------------------------------------------------------------------------------------------------

function targetsOf(figures: LinkFigures): Target[] {
  const { bare, version, warm, chains, kernelTypes } = figures;
  return [
    ...faster(chains, 'wide', 200, 1.5),
    ...faster(chains, 'wide', 800, 8),
    ...faster(chains, 'small', 800, 3),
    ...chains.filter(chain => chain.count === 50).map(overPeer),
    ...(['small', 'wide'] as const).flatMap(shape => growth(chains.filter(chain => chain.shape === shape))),
    ...chains.filter(chain => chain.count >= 800).map(memoryOf),
    { text: 'two small objects in a warm process', limit: 2, measured: warm * 1000, unit: ' ms', why: START },
    {
      text: '`rootlet --version` ÷ `node -e 0`',
      limit: 1.3,
      measured: version / bare,
      unit: '×',
      why: START,
    },
    ...(kernelTypes === null
      ? []
      : [
          {
            text: "the kernel's types: parse and dedup ÷ libbpf's time",
            limit: 3,
            measured: kernelTypes.ours / kernelTypes.theirs,
            unit: '×',
            why: PROFILE,
          },
        ]),
  ];
}

function faster(
  chains: readonly ChainFigures[],
  shape: ChainFigures['shape'],
  count: number,
  limit: number,
): Target[] {
  const chain = chains.find(candidate => candidate.shape === shape && candidate.count === count);
  if (chain?.peerSeconds === undefined) return [];
  const measured = chain.peerSeconds / chain.seconds;
  const text = `${shape} ${count}: faster than bpftool`;
  return [{ text, limit, measured, atLeast: true, unit: '×', why: PROFILE }];
}

function overPeer(chain: ChainFigures): Target {
  const text = `${chain.shape} ${chain.count}: time over Node ÷ bpftool's time`;
  return {
    text,
    limit: 2,
    measured: overNode(chain) / (chain.peerSeconds ?? Number.NaN),
    unit: '×',
    why: START,
  };
}

/** From one size to the next of those where the fixed costs no longer count: time and memory against the input. */
function growth(chains: readonly ChainFigures[]): Target[] {
  const [from, to] = chains.slice(-2);
  if (from === undefined || to === undefined) return [];
  const input = to.bytes / from.bytes;
  const text = (what: string): string =>
    `${to.shape}: growth of ${what} from ${from.count} to ${to.count} ÷ growth of input`;
  const time = overNode(to) / overNode(from) / input;
  const memory = to.memory / from.memory / input;
  return [
    { text: text('time'), limit: 1.15, measured: time, unit: '×', why: PROFILE },
    { text: text('memory'), limit: 1.15, measured: memory, unit: '×', why: OBJECTS },
  ];
}

function memoryOf(chain: ChainFigures): Target {
  const text = `${chain.shape} ${chain.count}: memory over Node ÷ input`;
  return { text, limit: 6, measured: chain.memory / chain.bytes, unit: '×', why: OBJECTS };
}

function isMet({ limit, measured, atLeast }: Target): boolean {
  return atLeast === true ? measured >= limit : measured <= limit;
}

function rowOf(target: Target): string[] {
  const { text, limit, measured, atLeast, unit } = target;
  const bound = `at ${atLeast === true ? 'least' : 'most'} ${limit}${unit}`;
  return [text, bound, `${measured.toFixed(2)}${unit}`, isMet(target) ? 'yes' : 'no'];
}

/** By how much, and why; those with the same reason together. */
function missesOf(figures: LinkFigures): string[] {
  const missed = targetsOf(figures).filter(target => !isMet(target));
  if (missed.length === 0) return [];
  const reasons = [...new Set(missed.map(target => target.why))];
  const lines = reasons.map(why => {
    const targets = missed.filter(target => target.why === why).map(missOf);
    return `- ${targets.join('; ')}. Why: ${why}.`;
  });
  return ['Missed:', '', ...lines, ''];
}

function missOf({ text, limit, measured, atLeast }: Target): string {
  const factor = atLeast === true ? limit / measured : measured / limit;
  return `${text} (${factor.toFixed(2)} times off)`;
}

// --- chains -------------------------------------------------------------------------------------------------------

function overNode(chain: ChainFigures): number {
  return chain.seconds - chain.bare;
}

function rowOfChain(chain: ChainFigures): string[] {
  const { shape, count, bytes, output, seconds, peerSeconds, memory } = chain;
  return [
    shape,
    String(count),
    (bytes / 1e6).toFixed(1),
    (output / 1e6).toFixed(1),
    seconds.toFixed(3),
    overNode(chain).toFixed(3),
    peerSeconds?.toFixed(3) ?? '–',
    times(peerSeconds, seconds),
    times(peerSeconds, overNode(chain)),
    mebi(memory),
    (memory / bytes).toFixed(1),
  ];
}

function times(peer: number | undefined, ours: number): string {
  return peer === undefined ? '–' : `${(peer / ours).toFixed(2)}×`;
}

function mebi(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function milli(seconds: number): string {
  return (seconds * 1000).toFixed(0);
}
