/**
 * Steps of reading that may fail by themselves.
 *
 * Whoever links or loads an object needs all of it: the first fault ends the reading. Whoever only shows it
 * wants the rest as well: each fault is reported, and what it concerns is left out.
 */

import { addFrame, type Problem, RootletError } from '../../diag/index.ts';

/** Runs one step. */
export type Attempt = (step: () => void) => void;

/** Faults end the reading. */
export const STRICT: Attempt = step => step();

/** Faults of file `name` go to `report`, and the reading continues. */
export function tolerant(name: string, report: (problems: readonly Problem[]) => void): Attempt {
  return step => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      report(addFrame(error, name).problems);
    }
  };
}
