/** One variant of one model, judged: in the machine, and in the kernel where there is one. */

import type { ByteOrder } from '../../src/bytes/cursor.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { SeededRandom } from '../hostile/random.ts';
import { leftOut } from '../support/needs.ts';
import { buildUnits, buildWhole } from './build.ts';
import { type Model, programsIn } from './model.ts';
import {
  difference,
  inKernel,
  inMachine,
  type Observation,
  observe,
  randomPackets,
  type Step,
} from './observe.ts';
import { type Linked, type Variant, wronglyCollected } from './passes.ts';

/** Runs of each program on one object. */
const PACKETS = 6;

export interface Judge {
  readonly model: Model;
  readonly order: ByteOrder;
  /** What the whole program does. */
  readonly reference: Observation;
  /** Whether the kernel loads the whole program; undefined where it was not asked. */
  readonly loads: boolean | undefined;
}

export function stepsFor(model: Model, programName: (name: string) => string = name => name): Step[] {
  return randomPackets(model.seed, PACKETS).flatMap(packet =>
    programsIn(model).map(({ name }) => ({ program: programName(name), packet })),
  );
}

/** Runs the whole program; throws when machine and kernel do not agree about it. */
export function judgeOf(model: Model, order: ByteOrder, sys: Sys | undefined): Judge {
  const whole = buildWhole(model, { byteOrder: order });
  const steps = stepsFor(model);
  const reference = observe(inMachine(whole, model.seed), steps);
  if (sys === undefined) leftOut('bpf');
  if (sys === undefined || order === 'big') return { model, order, reference, loads: undefined };
  const kernel = kernelObservation(whole, sys, model.seed, steps);
  if (typeof kernel === 'string') return { model, order, reference, loads: false };
  const different = difference(reference, kernel);
  if (different !== undefined) throw new Error(`machine and kernel do not agree: ${different}`);
  return { model, order, reference, loads: true };
}

/** What happened in the kernel, or why it refused. */
export function kernelObservation(
  object: BpfObject,
  sys: Sys,
  seed: number,
  steps: readonly Step[],
): Observation | string {
  let subject: ReturnType<typeof inKernel>;
  try {
    subject = inKernel(object, sys, seed);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return observe(subject, steps);
}

/** What is wrong with a variant; undefined when nothing is, `applied` called if there was something to do. */
export function verdictOf(
  judge: Judge,
  variant: Variant,
  sys: Sys | undefined,
  applied: () => void = () => undefined,
): string | undefined {
  const { model, order, reference } = judge;
  const units = buildUnits(model, { byteOrder: order });
  let made: Linked | undefined;
  try {
    made = variant.apply({ model, order, random: new SeededRandom(model.seed), units });
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  if (made === undefined) return undefined;
  applied();
  const { object, programName, collected = false, folded = false } = made;
  if (collected) {
    const wrong = wronglyCollected(model, object, folded);
    if (wrong !== undefined) return wrong;
  }
  const steps = stepsFor(model, programName);
  const machine = difference(reference, observe(inMachine(object, model.seed), steps), {
    mayLack: collected,
  });
  if (machine !== undefined) return `in the machine: ${machine}`;
  if (sys === undefined || judge.loads !== true) return undefined;
  const kernel = kernelObservation(object, sys, model.seed, steps);
  if (typeof kernel === 'string') return `loaded before, and now: ${kernel}`;
  const different = difference(reference, kernel, { mayLack: collected });
  return different === undefined ? undefined : `in the kernel: ${different}`;
}
