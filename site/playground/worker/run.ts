/** Runs packets through what was linked, in the embedded machine. */

import { packetOfHex, packetText } from '../../../cli/format/packet.ts';
import { available, RootletError, usageError } from '../../../src/diag/index.ts';
import {
  type BpfObject,
  type ComponentMarks,
  isDelivered,
  namedComponents,
  verdictName,
} from '../../../src/object/index.ts';
import {
  CaptureDecoder,
  createMachine,
  formatMapContents,
  type Machine,
  progTypeOf,
  type Timestamp,
} from '../../../src/vm/index.ts';
import type { PacketSource, PacketView, ProblemView, RunRequest, RunView } from '../messages.ts';
import type { Files } from './files.ts';
import { type Linked, linkFiles } from './link.ts';
import { problemViews, thrownProblems } from './problems.ts';

/** Packets that are listed. */
const MOST_LISTED = 1000;
/** Backward jumps and calls of a packet: a page waits less patiently than a command. */
const BUDGET = 2 ** 24;
const MEMORY = 2 ** 30;

interface Packet {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly timestamp?: Timestamp | undefined;
}

export function runPackets(files: Files, { link, program, packets }: RunRequest): RunView {
  const linked = linkFiles(files, link);
  if (!linked.ok) throw new RootletError(linked.problems);
  const components = componentsIn(linked);
  const limits = { budget: BUDGET, maxMemory: MEMORY, marks: components.marks };
  const machine = createMachine(linked.object, program === null ? limits : { ...limits, program });
  try {
    return runOn(machine, linked.object, components.names, { program, packets });
  } finally {
    machine.close();
  }
}

function runOn(
  machine: Machine,
  object: BpfObject,
  components: readonly string[],
  { program, packets }: Omit<RunRequest, 'link'>,
): RunView {
  const chosen = programOf(machine, program);
  const run = runner(machine, chosen, components);
  const { listed, counts, problems, total } = runAll(packets, run);
  return {
    program: chosen,
    total,
    packets: listed,
    counts: [...counts.values()],
    trace: machine.trace(),
    maps: [...machine.maps.values()].map(map => formatMapContents(object, map)),
    problems,
  };
}

/** What fills the slots: by its file, and by its program where a file fills several. */
function componentsIn({ object, report }: Linked & { readonly ok: true }): ComponentMarks {
  if (!('slots' in report)) return namedComponents(object, []);
  const filled = report.slots.flatMap(({ component, program, function: name }) =>
    component === null ? [] : [{ component, program, function: name }],
  );
  const files = filled.map(({ component }) => component);
  return namedComponents(
    object,
    filled.map(({ component, program, function: name }) => ({
      name: files.indexOf(component) === files.lastIndexOf(component) ? component : `${component}:${program}`,
      function: name,
    })),
  );
}

function programOf(machine: Machine, wanted: string | null): string {
  const [first] = machine.programs;
  if (wanted !== null) return wanted;
  if (first === undefined || machine.programs.length > 1)
    throw usageError('run-which-program', `several programs: ${available('there are', machine.programs)}`);
  return first;
}

type RunOne = (packet: Packet) => PacketView;

function runner(machine: Machine, program: string, components: readonly string[]): RunOne {
  const type = progTypeOf(machine.kindOf(program));
  return ({ number, bytes, timestamp }) => {
    const { verdict, packet } = machine.run(bytes, { program, timestamp });
    return {
      number,
      text: packetText(bytes),
      length: packet.length,
      verdict: verdictName(type, verdict),
      decidedBy: components[machine.takeMark() - 1] ?? null,
      isDelivered: isDelivered(type, verdict),
    };
  };
}

function runAll(source: PacketSource, run: RunOne) {
  const counts = new Map<string, [verdict: string, decidedBy: string | null, packets: number]>();
  const listed: PacketView[] = [];
  const problems: ProblemView[] = [];
  let total = 0;
  try {
    for (const packet of packetsOf(source, problems)) {
      const view = run(packet);
      total++;
      if (listed.length < MOST_LISTED) listed.push(view);
      const key = `${view.verdict}\0${view.decidedBy}`;
      const row = counts.get(key) ?? [view.verdict, view.decidedBy, 0];
      row[2]++;
      counts.set(key, row);
    }
  } catch (error) {
    problems.push(...thrownProblems(error));
  }
  return { listed, counts, problems, total };
}

function* packetsOf(source: PacketSource, problems: ProblemView[]): Iterable<Packet> {
  if (source.kind === 'hex') {
    const texts = source.text.split('\n').filter(line => line.trim() !== '');
    yield* texts.map((text, at) => ({ number: at + 1, bytes: packetOfHex(text, at + 1) }));
    return;
  }
  const decoder = new CaptureDecoder(source.name);
  decoder.push(source.bytes);
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    const { bytes, offset, length, number, timestamp } = packet;
    yield { number, bytes: bytes.subarray(offset, offset + length), timestamp };
  }
  const problem = decoder.end();
  if (problem !== undefined) problems.push(...problemViews([problem]));
}
