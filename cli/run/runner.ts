/** Runs a program on packets, in the embedded machine or in the kernel. */

import { available, usageError } from '../../src/diag/index.ts';
import {
  type BpfObject,
  type ComponentMarks,
  componentsOf,
  programsOf,
  sectionNameOf,
} from '../../src/object/index.ts';
import {
  type Coverage,
  createMachine,
  kindOfSection,
  type MachineOptions,
  type MapContents,
  type ProgramKind,
  type Timestamp,
} from '../../src/vm/index.ts';

export interface PacketResult {
  readonly verdict: number;
  /** After the run; valid until the next run. */
  readonly packet: Uint8Array;
  /** What an XDP program put before the packet; valid until the next run. */
  readonly metadata: Uint8Array;
}

export interface PacketRunner {
  readonly engine: 'machine' | 'kernel';
  readonly program: string;
  readonly kind: ProgramKind;
  /** What the kernel was given otherwise than the object has it, one sentence each. */
  readonly notes: readonly string[];
  /** `timestamp` is for the machine's clock. */
  run(packet: Uint8Array, timestamp?: Timestamp): PacketResult;
  /** Names of the components that the program consists of, where it is known. */
  readonly components: readonly string[];
  /** The component whose verdict the last run returned: the last one that ran; null where none did, or it is not known. */
  decidedBy(): string | null;
  maps(): readonly MapContents[];
  /** Lines that the program printed. */
  trace(): readonly string[];
  /** How many lines there were before those. */
  forgottenLines(): number;
  /** Which lines of the source ran; null where nothing was counted. */
  coverage(): Coverage | null;
  close(): void;
}

export function openMachineRunner(object: BpfObject, options: MachineOptions): PacketRunner {
  const { names, marks } = componentsToRun(object, options.program);
  const machine = createMachine(object, names.length > 1 ? { ...options, marks } : options);
  const [program] = machine.programs;
  if (program === undefined || (options.program === undefined && machine.programs.length > 1)) {
    throw usageError(
      'run-which-program',
      `several programs: choose one with --prog-name; ${available('there are', machine.programs)}`,
    );
  }
  return {
    engine: 'machine',
    program,
    kind: machine.kindOf(program),
    notes: [],
    components: names,
    decidedBy: () => names[machine.takeMark() - 1] ?? null,
    run: (packet, timestamp) =>
      machine.run(packet, timestamp === undefined ? { program } : { program, timestamp }),
    maps: () => [...machine.maps.values()],
    trace: () => machine.trace(),
    forgottenLines: () => machine.forgotten().lines,
    coverage: () => (options.coverage === true ? machine.coverage() : null),
    close: () => machine.close(),
  };
}

/** None where it is not known yet which program runs. */
export function componentsToRun(object: BpfObject, wanted: string | undefined): ComponentMarks {
  const programs = programsOf(object).filter(({ program }) =>
    wanted === undefined
      ? kindOfSection(sectionNameOf(object, program)) !== undefined
      : program.name === wanted,
  );
  const [only, ...others] = programs;
  return only === undefined || others.length > 0
    ? { names: [], marks: new Map() }
    : componentsOf(object, only.index);
}
