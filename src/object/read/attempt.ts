/**
 * Steps of reading that may fail by themselves.
 *
 * Whoever links an object needs all of it: the first fault ends the reading. Whoever loads or runs one program
 * does not need the code of the others: faults in it stay with their functions. Whoever only shows the object
 * wants the rest as well: each fault is reported, and what it concerns is left out.
 */

import { addFrame, type Problem, RootletError } from '../../diag/index.ts';

/** Runs one step. */
export type Attempt = (step: () => void) => void;

/** What may collect the faults of its own code. */
export interface FaultHolder {
  faults: readonly Problem[];
}

/** How faults are dealt with. */
export interface Tolerance {
  readonly attempt: Attempt;
  /** A step that concerns nothing but the code of one function. */
  readonly attemptIn: (holder: FaultHolder, step: () => void) => void;
}

/** Faults end the reading. */
export const STRICT: Tolerance = { attempt: step => step(), attemptIn: (_, step) => step() };

/** Faults in the code of a function of file `name` stay with it; others end the reading. */
export function keepingFaults(name: string): Tolerance {
  return {
    attempt: step => step(),
    attemptIn: (holder, step) =>
      attemptWith(name, step, found => {
        holder.faults = [...holder.faults, ...found];
      }),
  };
}

/** Faults of file `name` go to `report`, and the reading continues. */
export function tolerant(name: string, report: (problems: readonly Problem[]) => void): Tolerance {
  const attempt: Attempt = step => attemptWith(name, step, report);
  return { attempt, attemptIn: (_, step) => attempt(step) };
}

function attemptWith(name: string, step: () => void, report: (problems: readonly Problem[]) => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof RootletError)) throw error;
    report(addFrame(error, name).problems);
  }
}
