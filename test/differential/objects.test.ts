/**
 * Objects that compilers made — Debian's, our examples and the cases — through the passes that need one object only:
 * machine and kernel see no difference between before and after.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { packet } from '../../src/load/testing.ts';
import { type BpfObject, programsOf, programTypeOf, readObject, sectionOf } from '../../src/object/index.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../src/object/uapi.ts';
import { createMachine } from '../../src/vm/index.ts';
import { CASES_FOLDER } from '../support/case-files.ts';
import { kernelObservation } from './check.ts';
import { difference, inMachine, type Observation, observe, randomPackets, type Step } from './observe.ts';
import { linked, throughBytes } from './passes.ts';

const DEBIAN = '/usr/lib/x86_64-linux-gnu/bpf';
const EXAMPLES = 'examples/obj';
const SEED = 20261123;
const { sys } = kernelForTests();

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
    const surgery = { prefix: [{ file: FIRST, prefix: 'p_' }] };
    return { object: linked([named], { surgery }), programName: name => `p_${name}` };
  },
  redefine: object => {
    const names = new Set(programsOf(object).map(({ program }) => program.name));
    const redefine = [...names].map(from => ({ from, to: `${from}_new` }));
    return { object: linked([object], { surgery: { redefine } }), programName: name => `${name}_new` };
  },
  'keep-global': object => {
    const keepGlobal = programsOf(object).map(({ program }) => ({ name: program.name }));
    return { object: linked([object], { surgery: { keepGlobal } }) };
  },
};

interface Subject {
  readonly name: string;
  readonly object: BpfObject;
}

function objectsIn(folder: string, label: string): Subject[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(name => name.endsWith('.o'))
    .sort()
    .map(name => ({
      name: `${label}/${name}`,
      object: readObject(readFileSync(path.join(folder, name)), name),
    }));
}

function caseObjects(order: string): Subject[] {
  return readdirSync(CASES_FOLDER, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .flatMap(({ name }) => objectsIn(path.join(CASES_FOLDER, name, 'obj', order), `${name}/${order}`));
}

/** Programs that both machine and kernel run on packets. */
function packetPrograms(object: BpfObject): string[] {
  const types = [BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS];
  return programsOf(object).flatMap(({ program }) => {
    const type = programTypeOf(sectionOf(object, program)?.name ?? '')?.progType;
    return type !== undefined && types.includes(type) ? [program.name] : [];
  });
}

const PACKETS = [packet(), packet({ protocol: 6, destinationPort: 80 }), ...randomPackets(SEED, 10)];

function stepsFor(programs: readonly string[], programName: (name: string) => string = name => name): Step[] {
  return PACKETS.flatMap(bytes =>
    programs.map(program => ({ program: programName(program), packet: bytes })),
  );
}

/** Objects that the machine runs as they are; externs of the cases that are meant for a link keep others out. */
function runs({ object }: Subject): boolean {
  try {
    createMachine(object).close();
    linked([object]);
    return packetPrograms(object).length > 0;
  } catch {
    return false;
  }
}

const SUBJECTS = [
  ...objectsIn(DEBIAN, 'debian'),
  ...objectsIn(`${EXAMPLES}/el`, 'examples/el'),
  ...objectsIn(`${EXAMPLES}/eb`, 'examples/eb'),
  ...caseObjects('el'),
  ...caseObjects('eb'),
].filter(runs);

/** Verdicts, packets and state; or why it does not run. The time of a run shows in none of them. */
function machineObservation(object: BpfObject, steps: readonly Step[]): Observation | string {
  try {
    return observe(inMachine(object, SEED), steps);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Local type ids and addresses of variables show in what these do, and collection changes both. */
const SHOWS_PLACES = /^(core-type-id|data-pointers)\//;
/** What the kernel is asked about; the others give what one of these gives. */
const KERNEL_PASSES = new Set(['link', 'collect', 'prefix', 'keep-global']);

describe('objects of compilers', () => {
  test('that can run are many', () => {
    expect(SUBJECTS.length).toBeGreaterThan(existsSync(DEBIAN) ? 60 : 45);
  });

  test.each(SUBJECTS)('$name', ({ name: file, object }) => {
    const programs = packetPrograms(object);
    const before = machineObservation(object, stepsFor(programs));
    const kernel = sys !== undefined && object.byteOrder === 'little' ? sys : undefined;
    const loaded = kernel && kernelObservation(object, kernel, SEED, stepsFor(programs));
    for (const [name, pass] of Object.entries(PASSES)) {
      if (name === 'collect' && SHOWS_PLACES.test(file)) continue;
      const { object: changed, programName } = pass(object);
      const steps = stepsFor(programs, programName);
      const mayLack = name === 'collect';
      const after = machineObservation(changed, steps);
      if (typeof before === 'string') expect(typeof after, `${name}: ${before}`).toBe('string');
      else if (typeof after === 'string') expect.fail(`${name}: ${after}`);
      else expect(difference(before, after, { mayLack }), `${name} in the machine`).toBeUndefined();
      if (kernel === undefined || loaded === undefined || typeof loaded === 'string') continue;
      if (!KERNEL_PASSES.has(name)) continue;
      const loadedAfter = kernelObservation(changed, kernel, SEED, steps);
      if (typeof loadedAfter === 'string') expect.fail(`${name}: ${loadedAfter}`);
      expect(difference(loaded, loadedAfter, { mayLack }), `${name} in the kernel`).toBeUndefined();
    }
  });
});
