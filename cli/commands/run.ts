/** `rootlet run`: packets through a program, in the embedded machine or in the kernel. */

import { buildCommand, numberParser } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import {
  asLines,
  counted,
  joinBlocks,
  joinLines,
  type Limits,
  limitError,
  line,
  usageError,
} from '../../src/diag/index.ts';
import {
  type BpfObject,
  findInConfig,
  isDelivered,
  stripDataSections,
  verdictName,
  withProgramTypes,
} from '../../src/object/index.ts';
import {
  formatMapContents,
  mapContentsJson,
  PcapWriter,
  progTypeOf,
  type Timestamp,
} from '../../src/vm/index.ts';
import { off, text } from '../flags/kinds.ts';
import { KERNEL_RUN_LIMITS, type LimitFlags, limitsFlag, parseLimits, RUN_LIMITS } from '../flags/limits.ts';
import { readConfiguration, requireKnown } from '../flags/loading.ts';
import { maxEntriesFlag, parseMaxEntries, parseMemory } from '../flags/sizes.ts';
import { parseTypes, TYPE_FLAG } from '../flags/types.ts';
import { packetOfHex, packetText } from '../format/packet.ts';
import { table } from '../format/table.ts';
import { type Context, guarded, print, printJson, tell, tellLine, tellNotes } from '../io/context.ts';
import { FileOutput, readObjectFile, requireDistinct, requireNoInput } from '../io/files.ts';
import { beforeSignals, breathe } from '../io/signals.ts';
import { type CoverageCount, coverageText, writeTracefile } from '../io/tracefile.ts';
import { captureSource, type Packet, type Source } from '../run/capture.ts';
import { atPacket, openKernelRunner } from '../run/kernel-runner.ts';
import { openMachineRunner, type PacketRunner } from '../run/runner.ts';

interface Flags extends LimitFlags {
  readonly pcap?: string;
  readonly packet?: readonly string[];
  readonly progName?: string;
  readonly program?: string;
  readonly type?: readonly string[];
  readonly out?: string;
  readonly maps: boolean;
  readonly printk: boolean;
  readonly each?: boolean;
  readonly json: boolean;
  readonly kernel: boolean;
  readonly verifierLog?: string;
  readonly seed?: number;
  readonly budget?: number;
  readonly memory?: string;
  readonly maxEntries?: readonly string[];
  readonly kconfig?: string;
  readonly coverage?: string;
}

const count = { kind: 'parsed', parse: numberParser, optional: true } as const;

/** Number of packets up to which each verdict is printed by default. */
const EACH_LIMIT = 100;

/** Packets between two checks for signals. */
const BREATH = 4096;

export const runCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Run a program on packets, in the machine or the kernel',
    fullDescription:
      'Run an XDP, TC or socket filter program on the packets of a capture (pcap or pcapng) or on packets given in ' +
      'hexadecimal digits, and print the verdicts. State (maps, globals) is kept from packet to packet.',
  },
  parameters: {
    flags: {
      pcap: { ...text, brief: 'Read packets from a capture (- for stdin)', placeholder: 'FILE' },
      packet: {
        ...text,
        variadic: true,
        brief: 'Run one packet, given from its Ethernet header on',
        placeholder: 'HEX',
      },
      progName: { ...text, brief: 'Run the program NAME, if FILE has several', placeholder: 'NAME' },
      program: { ...text, hidden: true, brief: 'Same as --prog-name', placeholder: 'NAME' },
      type: TYPE_FLAG,
      out: { ...text, brief: 'Write the packets that passed to a capture', placeholder: 'FILE' },
      each: {
        kind: 'boolean',
        optional: true,
        brief: `Print the verdict of each packet (default: up to ${EACH_LIMIT} packets)`,
      },
      maps: { ...off, brief: 'Print the contents of the maps after the run' },
      printk: { ...off, brief: 'Print the output of bpf_printk' },
      json: { ...off, brief: 'Output JSON' },
      kernel: { ...off, brief: 'Run in the kernel (BPF_PROG_TEST_RUN) instead of the embedded machine' },
      verifierLog: {
        ...text,
        brief: "With --kernel: write the verifier's log to FILE, also if the programs are accepted",
        placeholder: 'FILE',
      },
      coverage: {
        ...text,
        brief: 'Write which lines of the C source ran, in the format of lcov',
        placeholder: 'FILE',
      },
      seed: { ...count, brief: 'Seed of random numbers in the machine (default: 1)', placeholder: 'N' },
      budget: {
        ...count,
        brief: 'Limit backward jumps and calls per packet in the machine',
        placeholder: 'N',
      },
      memory: {
        ...text,
        brief:
          'Limit the memory of the machine (default: 2G, at most 4G); maps count as far as they are used',
        placeholder: 'SIZE',
      },
      maxEntries: maxEntriesFlag,
      ...limitsFlag([...new Set([...RUN_LIMITS, ...KERNEL_RUN_LIMITS])]),
      kconfig: {
        ...text,
        brief: "Read configuration values (CONFIG_X=…); with --kernel they override the kernel's",
        placeholder: 'FILE',
      },
    },
    positional: { kind: 'tuple', parameters: [{ brief: 'Object file', parse: String, placeholder: 'FILE' }] },
  },
  async func(flags, path) {
    await guarded(this, flags.json, async () => {
      requireDistinct([flags.out, flags.verifierLog, flags.coverage, flags.json ? '-' : undefined]);
      requireNoInput(flags.out, [path]);
      requireNoInput(flags.coverage, flags.pcap === undefined ? [path] : [path, flags.pcap]);
      requireNoInput(flags.verifierLog, flags.pcap === undefined ? [path] : [path, flags.pcap]);
      const sources = sourcesOf(flags);
      const limits = limitsOf(flags);
      const given = stripDataSections(readObjectFile(path, limits).object);
      const object = withProgramTypes(given, parseTypes(flags.type));
      const runner = openRunner(flags, object, limits);
      try {
        const outcome = await runAll(flags, sources, runner);
        const coverage = writeCoverage(flags, object, runner);
        report(this, flags, object, runner, { ...outcome, coverage });
      } finally {
        runner.close();
      }
    });
  },
});

function openRunner(flags: Flags, object: BpfObject, limits: Limits | undefined): PacketRunner {
  if (flags.verifierLog !== undefined && !flags.kernel)
    throw usageError('usage-verifier-log', '--verifier-log needs --kernel: the machine has no verifier');
  const maxEntries = parseMaxEntries(flags.maxEntries);
  const kconfig = flags.kconfig === undefined ? undefined : readConfiguration(flags.kconfig);
  const common = { ...given({ program: flags.progName ?? flags.program, limits }), maxEntries };
  if (flags.kernel) {
    refuseMachineFlags(flags);
    requireKnown('map', [...maxEntries.keys()], mapNames(object));
    return openKernelRunner(object, { ...common, ...given({ verifierLog: flags.verifierLog, kconfig }) });
  }
  const maxMemory = flags.memory === undefined ? undefined : parseMemory(flags.memory);
  return openMachineRunner(object, {
    ...common,
    ...given({ seed: flags.seed, budget: flags.budget, maxMemory }),
    coverage: flags.coverage !== undefined,
    ...given({ kconfig: kconfig === undefined ? undefined : configurationOf(object, kconfig) }),
  });
}

/** `--budget` and `--memory` are older spellings of two of them. Throws `usage-limits`. */
function limitsOf(flags: Flags): Limits | undefined {
  const limits = parseLimits(flags, flags.kernel ? KERNEL_RUN_LIMITS : RUN_LIMITS);
  if (flags.budget !== undefined && limits?.budget !== undefined)
    throw limitError('budget is given twice: by --limits and by --budget');
  if (flags.memory !== undefined && limits?.machine !== undefined)
    throw limitError('machine is given twice: by --limits and by --memory');
  return limits;
}

/** Values of the externs of an object in the text of a configuration. */
function configurationOf(object: BpfObject, text: string): ReadonlyMap<string, string> {
  const externs = object.symbols.filter(symbol => symbol.kind === 'extern');
  return findInConfig(text, new Set(externs.map(({ name }) => name)));
}

/** Lines with code, and how many of them ran; null unless the option was given. */
function writeCoverage(
  { coverage: path }: Flags,
  object: BpfObject,
  runner: PacketRunner,
): CoverageCount | null {
  const coverage = runner.coverage();
  if (path === undefined || coverage === null) return null;
  return writeTracefile(path, coverage, runner.program, [object.name]);
}

function refuseMachineFlags({ seed, budget, memory, coverage }: Flags): void {
  for (const [name, value] of Object.entries({ seed, budget, memory, coverage })) {
    if (value === undefined) continue;
    throw usageError(
      'usage-machine-flag',
      `--${name} is for the embedded machine, and --kernel does not use it`,
    );
  }
}

function mapNames(object: BpfObject): string[] {
  return object.symbols.flatMap(symbol => (symbol.kind === 'map' ? [symbol.name] : []));
}

// --- packets ------------------------------------------------------------------------------------------------------

function sourcesOf(flags: Flags): Source[] {
  const given = flags.packet ?? [];
  if (flags.pcap === undefined && given.length === 0)
    throw usageError('usage-no-packets', 'give packets: --pcap FILE or --packet HEX');
  const parsed = given.map((digits, index) => ({ number: index + 1, bytes: packetOfHex(digits, index + 1) }));
  const direct: Source[] =
    parsed.length === 0 ? [] : [{ packets: () => parsed, nanoseconds: () => false, warning: () => null }];
  return flags.pcap === undefined ? direct : [...direct, captureSource(flags.pcap)];
}

interface Outcome {
  readonly total: number;
  /** Verdict → packets, in order of first appearance. */
  readonly counts: ReadonlyMap<number, number>;
  /** Each packet, as long as there are few or it is requested. */
  readonly each: readonly {
    readonly number: number;
    readonly verdict: number;
    readonly length: number;
    /** What it was before the run. */
    readonly text: string;
    /** What an XDP program put before the packet, in hexadecimal digits; left out when there is nothing. */
    readonly metadata?: string;
  }[];
  readonly warnings: readonly string[];
  readonly coverage: CoverageCount | null;
}

async function runAll(
  flags: Flags,
  sources: readonly Source[],
  runner: PacketRunner,
): Promise<Omit<Outcome, 'coverage'>> {
  const counts = new Map<number, number>();
  const each: Outcome['each'][number][] = [];
  const limit = flags.each === true ? Number.POSITIVE_INFINITY : EACH_LIMIT;
  const output = flags.out === undefined ? null : new PassedPackets(flags.out);
  const unwatch = output === null ? () => {} : beforeSignals(() => output.abort());
  let total = 0;
  try {
    for (const source of sources) {
      for (const packet of source.packets()) {
        const text = each.length <= limit ? packetText(packet.bytes) : '';
        const { verdict, packet: after, metadata } = runOne(runner, packet);
        total++;
        counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
        if (each.length <= limit)
          each.push({
            number: packet.number,
            verdict,
            length: after.length,
            text,
            ...shownMetadata(metadata),
          });
        if (output !== null && isDelivered(progTypeOf(runner.kind), verdict))
          output.write(after, packet.timestamp, source.nanoseconds());
        if (output !== null && total % BREATH === 0) await breathe();
      }
    }
    output?.commit();
  } catch (error) {
    output?.abort();
    throw error;
  } finally {
    unwatch();
  }
  const warnings = sources.flatMap(source => source.warning() ?? []);
  return { total, counts, each, warnings };
}

function shownMetadata(metadata: Uint8Array): { metadata?: string } {
  return metadata.length === 0 ? {} : { metadata: Buffer.from(metadata).toString('hex') };
}

/** The capture that `--out` asks for; it keeps the resolution of the first packet's capture. */
class PassedPackets {
  readonly #output: FileOutput;
  #writer: PcapWriter | null = null;

  constructor(path: string) {
    this.#output = new FileOutput(path, true);
  }

  write(packet: Uint8Array, timestamp: Timestamp | undefined, nanoseconds: boolean): void {
    this.#open(nanoseconds).write(packet, timestamp);
  }

  #open(nanoseconds: boolean): PcapWriter {
    this.#writer ??= new PcapWriter(bytes => this.#output.write(bytes), nanoseconds);
    return this.#writer;
  }

  commit(): void {
    this.#open(false).flush();
    this.#output.commit();
  }

  abort(): void {
    this.#output.abort();
  }
}

function runOne(runner: PacketRunner, packet: Packet): ReturnType<PacketRunner['run']> {
  try {
    return runner.run(packet.bytes, packet.timestamp);
  } catch (error) {
    throw atPacket(error, packet.number);
  }
}

// --- report -------------------------------------------------------------------------------------------------------

function report(
  context: Context,
  flags: Flags,
  object: BpfObject,
  runner: PacketRunner,
  outcome: Outcome,
): void {
  tellNotes(context, notesOf(flags, runner));
  for (const warning of outcome.warnings) tellLine(context, `rootlet: warning: ${warning}`);
  if (flags.json) {
    printJson(context, jsonOf(flags, object, runner, outcome));
    return;
  }
  const say = flags.out === '-' || flags.coverage === '-' ? tell : print; // stdout is the file's
  const showEach = flags.each ?? outcome.total <= EACH_LIMIT;
  if (showEach && outcome.total > 0) {
    say(
      context,
      table(
        outcome.each.map(entry => [
          String(entry.number),
          verdictName(progTypeOf(runner.kind), entry.verdict),
          `${entry.length} bytes`,
          entry.text,
          ...(entry.metadata === undefined ? [] : [`metadata ${entry.metadata}`]),
        ]),
        '',
        [0],
      ),
    );
    say(context, line(''));
  }
  say(
    context,
    table([['verdict', 'packets'], ...countRows(runner, outcome), ['all', String(outcome.total)]], '', [1]),
  );
  if (outcome.coverage !== null) say(context, line(coverageText(outcome.coverage)));
  if (flags.printk) say(context, joinLines(['', 'trace:', ...runner.trace().map(text => `  ${text}`)]));
  if (flags.maps)
    say(
      context,
      joinBlocks([line(''), ...runner.maps().map(map => asLines(formatMapContents(object, map)))]),
    );
}

function notesOf(flags: Flags, runner: PacketRunner): string[] {
  const forgotten = flags.printk ? runner.forgottenLines() : 0;
  if (forgotten === 0) return [...runner.notes];
  return [...runner.notes, `trace: ${counted(forgotten, 'line')} before those shown are not kept`];
}

function countRows(runner: PacketRunner, outcome: Outcome): string[][] {
  return [...outcome.counts]
    .sort(([a], [b]) => a - b)
    .map(([verdict, packets]) => [verdictName(progTypeOf(runner.kind), verdict), String(packets)]);
}

function jsonOf(
  flags: Flags,
  object: BpfObject,
  runner: PacketRunner,
  outcome: Outcome,
): Record<string, unknown> {
  const showEach = flags.each ?? outcome.total <= EACH_LIMIT;
  return {
    ok: true,
    engine: runner.engine,
    program: runner.program,
    kind: runner.kind,
    total: outcome.total,
    counts: Object.fromEntries(countRows(runner, outcome).map(([name, packets]) => [name, Number(packets)])),
    ...(showEach
      ? {
          packets: outcome.each.map(entry => ({
            ...entry,
            verdict: verdictName(progTypeOf(runner.kind), entry.verdict),
          })),
        }
      : {}),
    ...(flags.maps ? { maps: runner.maps().map(map => mapContentsJson(object, map)) } : {}),
    ...(flags.printk ? { trace: runner.trace() } : {}),
    ...given({ coverage: outcome.coverage ?? undefined }),
    notes: notesOf(flags, runner),
    warnings: outcome.warnings,
  };
}
