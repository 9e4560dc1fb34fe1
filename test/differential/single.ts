/** The passes that need one object only, and what they may not change of it, in the machine and in the kernel. */

import type { Sys } from '../../src/kernel/sys/sys.ts';
import { packet } from '../../src/load/testing.ts';
import { type BpfObject, programsOf, sectionOf } from '../../src/object/model/index.ts';
import { programTypeOf } from '../../src/object/programs/section-names.ts';
import {
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_SOCKET_FILTER,
  BPF_PROG_TYPE_XDP,
} from '../../src/uapi/program-types.ts';
import { kernelObservation } from './check.ts';
import { difference, inMachine, type Observation, observe, randomPackets, type Step } from './observe.ts';
import { linked, throughBytes } from './passes.ts';

const SEED = 20261123;

interface Changed {
  readonly object: BpfObject;
  readonly programName?: (name: string) => string;
}

const FIRST = 'first.o';

/** Passes that any object can go through. */
const PASSES: Readonly<Record<string, (object: BpfObject) => Changed>> = {
  link: object => ({ object: linked([object]) }),
  'write and read': object => ({ object: throughBytes(object) }),
  'link of the linked': object => ({ object: linked([throughBytes(linked([object]))]) }),
  partial: object => ({ object: linked([throughBytes(linked([object], { partial: true }))]) }),
  collect: object => ({ object: throughBytes(linked([object], { gcSections: true })) }),
  folds: object => ({ object: linked([object], { foldIdentical: true, foldText: true }) }),
  prefix: object => {
    const named = { ...object, name: FIRST };
    const edits = { prefix: [{ file: FIRST, prefix: 'p_' }] };
    return { object: linked([named], { edits }), programName: name => `p_${name}` };
  },
  redefine: object => {
    const names = new Set(programsOf(object).map(({ program }) => program.name));
    const redefine = [...names].map(from => ({ from, to: `${from}_new` }));
    return { object: linked([object], { edits: { redefine } }), programName: name => `${name}_new` };
  },
  'keep-global': object => {
    const keepGlobal = programsOf(object).map(({ program }) => ({ name: program.name }));
    return { object: linked([object], { edits: { keepGlobal } }) };
  },
};

/** Programs that both machine and kernel run on packets. */
export function packetPrograms(object: BpfObject): string[] {
  const types = [BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_SOCKET_FILTER];
  return programsOf(object).flatMap(({ program }) => {
    const type = programTypeOf(sectionOf(object, program)?.name ?? '')?.progType;
    return type !== undefined && types.includes(type) ? [program.name] : [];
  });
}

const PACKETS = [packet(), packet({ protocol: 6, destinationPort: 80 }), ...randomPackets(SEED, 10)];

export function stepsFor(
  programs: readonly string[],
  programName: (name: string) => string = name => name,
): Step[] {
  return PACKETS.flatMap(bytes =>
    programs.map(program => ({ program: programName(program), packet: bytes })),
  );
}

/** Verdicts, packets and state; or why it does not run. The time of a run shows in none of them. */
export function machineObservation(
  object: BpfObject,
  steps: readonly Step[],
  seed = SEED,
): Observation | string {
  try {
    return observe(inMachine(object, seed), steps);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What the kernel is asked about; the others give what one of these gives. */
const KERNEL_PASSES = new Set(['link', 'collect', 'prefix', 'keep-global']);

export interface PassOptions {
  /** Where the object is loaded too; undefined without a kernel. */
  readonly sys: Sys | undefined;
  /** Passes that are left out. */
  readonly without?: readonly string[];
}

/** The first difference that a pass makes; undefined when there is none. `counted` is reported of kernels that load. */
export function firstDifference(
  object: BpfObject,
  { sys, without = [] }: PassOptions,
  counted: (loads: boolean) => void = () => undefined,
): string | undefined {
  const programs = packetPrograms(object);
  const before = machineObservation(object, stepsFor(programs));
  const kernel = object.byteOrder === 'little' ? sys : undefined;
  const loaded = kernel && kernelObservation(object, kernel, SEED, stepsFor(programs));
  if (loaded !== undefined) counted(typeof loaded !== 'string');
  for (const [name, pass] of Object.entries(PASSES)) {
    if (without.includes(name)) continue;
    const { object: changed, programName } = pass(object);
    const steps = stepsFor(programs, programName);
    const mayLack = name === 'collect';
    const machine = compare(before, machineObservation(changed, steps), mayLack);
    if (machine !== undefined) return `${name}, in the machine: ${machine}`;
    if (kernel === undefined || typeof loaded !== 'object' || !KERNEL_PASSES.has(name)) continue;
    const other = compare(loaded, kernelObservation(changed, kernel, SEED, steps), mayLack);
    if (other !== undefined) return `${name}, in the kernel: ${other}`;
  }
  return undefined;
}

/** What fails before must fail after. */
export function compare(
  before: Observation | string,
  after: Observation | string,
  mayLack = false,
): string | undefined {
  if (typeof before === 'string') return typeof after === 'string' ? undefined : `failed before: ${before}`;
  return typeof after === 'string' ? after : difference(before, after, { mayLack });
}
