/**
 * `npm run bench:link`: rootlet against `bpftool gen object`, whole processes, one after the other, medians.
 *
 *   npm run bench:link                        every corpus; the tables go to bench/RESULTS.md
 *   npm run bench:link -- --quick             few rounds, without what takes minutes; prints only
 *   npm run bench:link -- [--quick] vml …     these corpora only; prints only
 *
 * Needs clang-19, llvm-19 and bpftool; for objects against the kernel's types those of this kernel, for `load` root and
 * for libbpf's time gcc and libbpf-dev. Other versions of Node are measured where `ROOTLET_BENCH_NODES` has the paths
 * of their programs, separated by colons.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Corpus, corpus, hasKernelTypes } from './corpora/corpora.ts';
import { measureInspect } from './inspect-processes.ts';
import type { CorpusFigures, NodeFigures } from './link-figures.ts';
import { reportLinks } from './link-report.ts';
import { compileLoadObject, type LoadFigures, measureLoad, withBpffs } from './load-processes.ts';
import { BARE, type Command, inTurn, node, peakOf, run } from './processes.ts';
import { ROOT, writeResults } from './support.ts';
import { kernelTypes, warmLink } from './warm-link.ts';

const SIZES = [50, 200, 800, 3200];
const CHAINS = ['small', 'wide'].flatMap(shape => SIZES.map(count => `${shape}-${count}`));
const KERNEL = hasKernelTypes() ? ['vml', 'vml2'] : [];
const ALL = ['small-2', ...CHAINS, ...KERNEL, 'huge'];
const QUICK = ['small-2', 'small-50', 'small-800', 'wide-200', ...KERNEL];
/** The peer's time grows with the square of these inputs: seconds to minutes. */
const PEER_ROUNDS: Readonly<Record<string, number>> = {
  'small-3200': 0,
  'wide-800': 3,
  'wide-3200': 0,
  huge: 3,
};
const ON_OTHER_NODES = ['small-2', 'small-50', 'small-800', 'vml', 'vml2'];

const { values: flags, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const directory = mkdtempSync(join(tmpdir(), 'rootlet-bench-'));
const bin = join(ROOT, 'bin/rootlet.js');
const JS = { ROOTLET_CORE: 'js' };

function roundsOf(name: string): number {
  if (flags.quick) return 5;
  return name.endsWith('-3200') ? 3 : 11;
}

function linkCommand({ paths }: Corpus, output: string): readonly string[] {
  const list = join(directory, 'list');
  writeFileSync(list, paths.join('\n'));
  return [bin, 'link', `@${list}`, '-o', output];
}

async function measure(name: string, barePeak: number): Promise<CorpusFigures> {
  const inputs = await corpus(name);
  const output = join(directory, 'out.o');
  const ours = linkCommand(inputs, output);
  const peer: Command = {
    program: 'bpftool',
    args: ['gen', 'object', join(directory, 'peer.o'), ...inputs.paths],
  };
  const rounds = roundsOf(name);
  const peerRounds = Math.min(PEER_ROUNDS[name] ?? rounds, rounds);
  const commands = [BARE, node(ours), node(ours, JS), { ...peer, rounds: peerRounds }];
  const [bare = 0, seconds = 0, asJavaScript = 0, peerSeconds] = inTurn(rounds, commands);
  return {
    name,
    count: inputs.paths.length,
    bytes: inputs.bytes,
    output: statSync(output).size,
    bare,
    seconds,
    asJavaScript,
    ...(peerRounds > 0 && peerSeconds !== undefined ? { peerSeconds } : {}),
    memory: peakOf(node(ours), directory) - barePeak,
    memoryAsJavaScript: peakOf(node(ours, JS), directory) - barePeak,
  };
}

/** The same link by another version of Node, over its own start. */
async function measureNode(program: string): Promise<NodeFigures> {
  const version = run({ program, args: ['--version'] }).trim();
  const corpora = [];
  for (const name of ON_OTHER_NODES.filter(name => ALL.includes(name))) {
    const args = linkCommand(await corpus(name), join(directory, 'out.o'));
    const other = (args: readonly string[]): Command => ({ program, args });
    const [bare = 0, seconds = 0] = inTurn(roundsOf(name), [other(['-e', '0']), other(args)]);
    corpora.push({ name, bare, seconds });
  }
  return { version, corpora };
}

/** `rootlet load` beside bpftool, as root. */
async function load(): Promise<LoadFigures | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const object = compileLoadObject(join(directory, 'load.o'));
  return withBpffs(directory, bpffs => measureLoad(object, bpffs, directory, flags.quick ? 5 : 15));
}

async function main(): Promise<void> {
  const names = positionals.length > 0 ? positionals : flags.quick ? QUICK : ALL;
  const barePeak = peakOf(BARE, directory);
  const [bare = 0, version = 0] = inTurn(flags.quick ? 5 : 15, [BARE, node([bin, '--version'])]);
  const corpora = [];
  for (const name of names) corpora.push(await measure(name, barePeak));
  const nodes = [];
  for (const path of process.env['ROOTLET_BENCH_NODES']?.split(':') ?? [])
    nodes.push(await measureNode(path));
  const beside = positionals.length > 0 ? {} : await besideLinks();
  const text = reportLinks({ bare, barePeak, version, corpora, nodes, ...beside });
  if (names === ALL) writeResults('link', text);
  else process.stdout.write(`${text}\n`);
}

async function besideLinks() {
  const [loadFigures, types] = [await load(), flags.quick ? undefined : kernelTypes(directory)];
  return {
    inspect: await measureInspect(directory, flags.quick ? 3 : 9),
    warm: await warmLink(),
    ...(loadFigures === undefined ? {} : { load: loadFigures }),
    ...(types === undefined ? {} : { kernelTypes: types }),
  };
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
