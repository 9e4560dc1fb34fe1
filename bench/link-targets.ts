/** The targets of `npm run bench:link`, as data: what is measured, the limit, and why it is missed where it is. */

import type { CorpusFigures, LinkFigures } from './link-figures.ts';

export interface Target {
  readonly text: string;
  readonly limit: number;
  readonly measured: number;
  /** The same by `ROOTLET_CORE=js`, where it differs. */
  readonly asJavaScript?: number;
  /** The measured value has to be at least the limit, not at most. */
  readonly atLeast?: boolean;
  readonly unit: string;
  /** Where the time goes if the target is missed, from profiles of the version of today. */
  readonly why?: string;
}

/** A chain of 800 small objects, linked and written in a warm process before the core was in columns, in ms. */
const WARM_BEFORE = 165;

const TYPES =
  'a third is names, each of which is hashed or compared once in cold memory, a third the checks of types, of which the ' +
  'peer has few, and the rest is start, reading and writing';
const START =
  'kernels are compiled when they are first called (4 to 5 ms), as are functions of Node itself (4); the compiled script ' +
  'is read (2.5) and its tables are made (2); pages that were not used before (4)';
/** Why targets are missed that are. */
const WHY: Readonly<Record<string, string>> = {
  'small-800':
    'the image takes 3.4 times the input (files 1, output 0.5, columns and types the rest), pages of the code of Node ' +
    'itself 1.1, the heap of V8 0.7, and threads and malloc the rest',
  vml: TYPES,
  vml2: TYPES,
  'small-50':
    'the start, as for two objects, and 0.25 ms for each object, most of it system calls and checks',
  'wide-800':
    'the peer searches all symbols for each; the rest is the start and pages that were not used before',
};

/** How many times faster than bpftool, as whole processes. */
const FASTER: Readonly<Record<string, number>> = {
  'small-800': 4,
  'wide-200': 4,
  'wide-800': 40,
  huge: 20,
  vml2: 0.8,
};
/** Time over Node against the peer's whole time. */
const OVER_PEER: Readonly<Record<string, number>> = { 'small-50': 1.6, vml: 1.2 };
const MEMORY = ['small-800', 'small-3200', 'wide-800', 'wide-3200'];

/** Targets of what was measured, in a fixed order. */
export function targetsOf(figures: LinkFigures): Target[] {
  const { corpora } = figures;
  return [
    ...corpora.flatMap(faster),
    ...corpora.flatMap(overPeer),
    ...corpora.filter(({ name }) => name === 'small-2').map(twoObjects),
    ...corpora.filter(({ name }) => MEMORY.includes(name)).map(memory),
    ...['small', 'wide'].flatMap(shape => growth(shape, corpora)),
    ...loadTargets(figures),
    ...inspectTargets(figures),
    ...warmTargets(figures),
    ...startTargets(figures),
  ];
}

export function isMet({ limit, measured, atLeast }: Target): boolean {
  return atLeast === true ? measured >= limit : measured <= limit;
}

/** Seconds beyond Node's own start. */
export function overNode({ seconds, bare }: { readonly seconds: number; readonly bare: number }): number {
  return seconds - bare;
}

function faster({ name, peerSeconds, seconds, asJavaScript }: CorpusFigures): Target[] {
  const limit = FASTER[name];
  if (limit === undefined || peerSeconds === undefined) return [];
  return [
    {
      text: `${titleOf(name)}: times faster than bpftool`,
      limit,
      measured: peerSeconds / seconds,
      asJavaScript: peerSeconds / asJavaScript,
      atLeast: true,
      unit: '×',
      ...whyOf(name),
    },
  ];
}

function whyOf(name: string): Pick<Target, 'why'> {
  const why = WHY[name];
  return why === undefined ? {} : { why };
}

function overPeer({ name, bare, peerSeconds, seconds, asJavaScript }: CorpusFigures): Target[] {
  const limit = OVER_PEER[name];
  if (limit === undefined || peerSeconds === undefined) return [];
  return [
    {
      text: `${titleOf(name)}: time over Node ÷ bpftool's time`,
      limit,
      measured: (seconds - bare) / peerSeconds,
      asJavaScript: (asJavaScript - bare) / peerSeconds,
      unit: '×',
      ...whyOf(name),
    },
  ];
}

function twoObjects({ bare, seconds, asJavaScript }: CorpusFigures): Target {
  return {
    text: 'two small objects, over Node',
    limit: 10,
    measured: (seconds - bare) * 1000,
    asJavaScript: (asJavaScript - bare) * 1000,
    unit: ' ms',
    why: START,
  };
}

function memory({ name, bytes, memory, memoryAsJavaScript }: CorpusFigures): Target {
  return {
    text: `${titleOf(name)}: memory over Node ÷ input`,
    limit: 6,
    measured: memory / bytes,
    asJavaScript: memoryAsJavaScript / bytes,
    unit: '×',
    ...whyOf(name),
  };
}

/** From 800 to 3,200 objects: time and memory against the input. */
function growth(shape: string, corpora: readonly CorpusFigures[]): Target[] {
  const [from, to] = [800, 3200].map(count => corpora.find(({ name }) => name === `${shape}-${count}`));
  if (from === undefined || to === undefined) return [];
  const input = to.bytes / from.bytes;
  const text = (what: string): string =>
    `${shape}: growth of ${what} from 800 to 3200 objects ÷ growth of input`;
  return [
    {
      text: text('time'),
      limit: 1.15,
      measured: overNode(to) / overNode(from) / input,
      asJavaScript: (to.asJavaScript - to.bare) / (from.asJavaScript - from.bare) / input,
      unit: '×',
    },
    {
      text: text('memory'),
      limit: 1.15,
      measured: to.memory / from.memory / input,
      asJavaScript: to.memoryAsJavaScript / from.memoryAsJavaScript / input,
      unit: '×',
    },
  ];
}

function loadTargets({ load }: LinkFigures): Target[] {
  if (load === undefined) return [];
  return [
    {
      text: "`load` of an object with 50 CO-RE relocations, over Node ÷ bpftool's time over an empty process",
      limit: 2,
      measured: load.ours / load.peer,
      asJavaScript: load.oursAsJavaScript / load.peer,
      unit: '×',
      why: 'two fifths are reading and compiling the script, of which the plain path is in many modules',
    },
  ];
}

function inspectTargets({ inspect }: LinkFigures): Target[] {
  if (inspect === undefined) return [];
  const { all, allBytes, types, typesBytes, typesPeer } = inspect;
  const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    { text: `\`inspect\` of ${size(allBytes)}, over Node`, limit: 150, measured: all * 1000, unit: ' ms' },
    {
      text: `\`inspect --btf\` of ${size(typesBytes)}, over Node ÷ \`bpftool btf dump\``,
      limit: 4,
      measured: types / typesPeer,
      unit: '×',
      why: 'C is formatted by code that runs once and is interpreted (a half); types are checked before they are printed',
    },
  ];
}

function warmTargets({ warm }: LinkFigures): Target[] {
  if (warm === undefined) return [];
  const { two, many } = warm;
  return [
    { text: 'two small objects in a warm process', limit: 2, measured: two * 1000, unit: ' ms' },
    { text: 'small 800 in a warm process', limit: WARM_BEFORE, measured: many * 1000, unit: ' ms' },
  ];
}

function startTargets({ bare, version, kernelTypes }: LinkFigures): Target[] {
  const start = {
    text: '`rootlet --version` ÷ `node -e 0`',
    limit: 1.3,
    measured: version / bare,
    unit: '×',
  };
  if (kernelTypes === undefined) return [start];
  const { ours, theirs } = kernelTypes;
  const text = "the kernel's types: parse and dedup ÷ libbpf's time";
  return [start, { text, limit: 3, measured: ours / theirs, unit: '×' }];
}

/** `small 800` of `small-800`. */
export function titleOf(name: string): string {
  return name.replace('-', ' ');
}
