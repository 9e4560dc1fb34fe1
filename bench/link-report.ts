/** The tables of `npm run bench:link`: every target with what was measured and by how much it is missed. */

import type { CorpusFigures, KernelTypes, LinkFigures, NodeFigures } from './link-figures.ts';
import { isMet, overNode, type Target, targetsOf, titleOf } from './link-targets.ts';
import { table } from './support.ts';

export function reportLinks(figures: LinkFigures): string {
  const { bare, barePeak, version, warm, kernelTypes } = figures;
  return [
    'Whole processes without `NODE_EXTRA_CA_CERTS` (which Node 20 reads at each start), one after the other, medians. ' +
      '"Over Node": without the time and memory of `node -e 0`, ' +
      `which takes ${milli(bare)} ms and ${mebi(barePeak)} MiB here. "js": with \`ROOTLET_CORE=js\`.`,
    '',
    table(['target', 'limit', 'measured', 'js', 'result'], targetsOf(figures).map(rowOf)),
    '',
    ...corporaTable(figures.corpora),
    ...nodesTable(figures.nodes),
    `\`rootlet --version\`: ${milli(version)} ms.`,
    ...(warm === undefined
      ? []
      : [`In a warm process: two small objects ${milli(warm.two, 2)} ms, small 800 ${milli(warm.many)} ms.`]),
    ...(kernelTypes === undefined ? [] : [kernelTypesText(kernelTypes)]),
  ].join('\n');
}

function rowOf(target: Target): string[] {
  const { text, limit, measured, asJavaScript, atLeast, unit } = target;
  const bound = `at ${atLeast === true ? 'least' : 'most'} ${limit}${unit}`;
  const js = asJavaScript === undefined ? '' : `${asJavaScript.toFixed(2)}${unit}`;
  return [text, bound, `${measured.toFixed(2)}${unit}`, js, resultOf(target)];
}

function resultOf(target: Target): string {
  if (isMet(target)) return 'reached';
  const { limit, measured, atLeast, why } = target;
  const by = `missed by ${(atLeast === true ? limit / measured : measured / limit).toFixed(2)}×`;
  return why === undefined ? by : `${by}: ${why}`;
}

// --- corpora ------------------------------------------------------------------------------------------------------

const HEAD = [
  'corpus',
  'objects',
  'MB in',
  'MB out',
  'rootlet ms',
  'js ms',
  'bpftool ms',
  'times faster',
  'over Node ms',
  'js over Node ms',
  'over Node ÷ bpftool',
  'MiB over Node',
  'memory ÷ input',
  'js memory ÷ input',
];

function corporaTable(corpora: readonly CorpusFigures[]): string[] {
  const description =
    'small and wide: chains of small objects. vml and vml2: objects against all types of the kernel, with about 700 ' +
    'and 2,900 types each. huge: one object with 20,000 functions, and one that calls it.';
  return [table(HEAD, corpora.map(rowOfCorpus)), '', description, ''];
}

function rowOfCorpus(corpus: CorpusFigures): string[] {
  const { name, count, bytes, output, bare, seconds, asJavaScript, peerSeconds, memory } = corpus;
  return [
    titleOf(name),
    String(count),
    (bytes / 1e6).toFixed(1),
    (output / 1e6).toFixed(1),
    milli(seconds),
    milli(asJavaScript),
    peerSeconds === undefined ? '–' : milli(peerSeconds),
    quotient(peerSeconds, seconds),
    milli(overNode(corpus)),
    milli(asJavaScript - bare),
    peerSeconds === undefined ? '–' : quotient(overNode(corpus), peerSeconds),
    mebi(memory),
    (memory / bytes).toFixed(1),
    (corpus.memoryAsJavaScript / bytes).toFixed(1),
  ];
}

function nodesTable(nodes: readonly NodeFigures[]): string[] {
  if (nodes.length === 0)
    return ['Other versions of Node: not measured, there are none on this machine.', ''];
  const rows = nodes.flatMap(({ version, corpora }) =>
    corpora.map(figures => [
      version,
      titleOf(figures.name),
      milli(figures.bare),
      milli(figures.seconds),
      milli(overNode(figures)),
    ]),
  );
  return [table(['Node', 'corpus', 'node -e 0 ms', 'rootlet ms', 'over Node ms'], rows), ''];
}

function kernelTypesText({ theirs, ours, theirTypes, ourTypes }: KernelTypes): string {
  return (
    `Types of the running kernel, parsed and deduplicated in a fresh process: libbpf ${milli(theirs)} ms ` +
    `(${theirTypes} types stay), rootlet ${milli(ours)} ms (${ourTypes} types stay; ` +
    'the data section for variables of each processor is not among them: it is rebuilt when writing).'
  );
}

function quotient(dividend: number | undefined, divisor: number): string {
  return dividend === undefined ? '–' : `${(dividend / divisor).toFixed(2)}×`;
}

function mebi(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function milli(seconds: number, digits = 0): string {
  return (seconds * 1000).toFixed(digits);
}
