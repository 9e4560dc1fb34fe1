/** Runs packets through what was linked, in the embedded machine. */

import { packetOfHex, packetText } from '../../../cli/format/packet.ts';
import { MARK, takeMark, withMark } from '../../../src/chain/declared/simulate/marks.ts';
import { available, RootletError, usageError } from '../../../src/diag/index.ts';
import { type BpfObject, InputObject, isDelivered, verdictName } from '../../../src/object/index.ts';
import {
  CaptureDecoder,
  createMachine,
  formatMapContents,
  type Machine,
  progTypeOf,
  type Timestamp,
} from '../../../src/vm/index.ts';
import type { LinkRequest, PacketSource, PacketView, ProblemView, RunRequest, RunView } from '../messages.ts';
import type { Files } from './files.ts';
import { componentsOf, linkFiles, type Prepare } from './link.ts';
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
  const object = markedObject(files, link);
  const limits = { budget: BUDGET, maxMemory: MEMORY };
  const machine = createMachine(object, program === null ? limits : { ...limits, program });
  try {
    return runOn(machine, object, link, { program, packets });
  } finally {
    machine.close();
  }
}

function runOn(
  machine: Machine,
  object: BpfObject,
  link: LinkRequest,
  { program, packets }: Omit<RunRequest, 'link'>,
): RunView {
  const chosen = programOf(machine, program);
  const run = runner(machine, object, chosen, componentNames(link));
  const { listed, counts, problems, total } = runAll(packets, run);
  return {
    program: chosen,
    total,
    packets: listed,
    counts: [...counts.values()],
    trace: machine.trace(),
    maps: [...machine.maps.values()].filter(isOfUser).map(map => formatMapContents(object, map)),
    problems,
  };
}

function isOfUser({
  variables,
}: Machine['maps'] extends ReadonlyMap<string, infer Map> ? Map : never): boolean {
  return variables?.some(({ name }) => name === MARK) !== true;
}

/** What was linked, with programs of components that store which of them ran last. */
function markedObject(files: Files, request: LinkRequest): BpfObject {
  const isChain = request.kind !== 'link';
  const linked = linkFiles(files, request, { prepare: marked, share: isChain ? [MARK] : [] });
  if (!linked.ok) throw new RootletError(linked.problems);
  return linked.object;
}

const marked: Prepare = ({ name, bytes, object }, program, number) =>
  new InputObject({ name, bytes }, withMark(object, program, number));

function componentNames(request: LinkRequest): string[] {
  const components = componentsOf(request);
  const files = components.map(({ file }) => file);
  return components.map(({ file, program }) =>
    files.indexOf(file) === files.lastIndexOf(file) ? file : `${file}:${program}`,
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

function runner(machine: Machine, object: BpfObject, program: string, components: readonly string[]): RunOne {
  const type = progTypeOf(machine.kindOf(program));
  const mark = takeMark(machine, object.byteOrder);
  return ({ number, bytes, timestamp }) => {
    const { verdict, packet } = machine.run(bytes, { program, timestamp });
    return {
      number,
      text: packetText(bytes),
      length: packet.length,
      verdict: verdictName(type, verdict),
      decidedBy: components[mark() - 1] ?? null,
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
