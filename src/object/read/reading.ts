/**
 * A unit while it is being read: what to do with faults, and what is wrong with its functions.
 *
 * Whoever links an object needs all of it: the first fault ends the reading. Whoever loads or runs one program
 * does not need the code of the others: faults in it stay with their functions. Whoever only shows the object
 * wants the rest as well: each fault is reported, and what it concerns is left out.
 */

import { addFrame, type Problem, RootletError } from '../../diag/index.ts';
import { FAULT, type Image } from '../../image/index.ts';
import { explainFault } from './explain.ts';
import { FUNCTION_FAULTS } from './faults.ts';
import type { ReadOptions } from './options.ts';

export class Reading {
  readonly image: Image;
  readonly unit: number;
  /** Name of the file. */
  readonly name: string;
  readonly options: ReadOptions;
  /** Problems of functions, by row of ATOM. */
  readonly faultsOf = new Map<number, Problem[]>();
  #seen: number;

  constructor(image: Image, unit: number, options: ReadOptions) {
    this.image = image;
    this.unit = unit;
    this.name = image.unitName(unit);
    this.options = options;
    this.#seen = image.count(FAULT);
  }

  /** Leaves faults so far to those who added them. */
  passOver(): void {
    this.#seen = this.image.count(FAULT);
  }

  /** Deals with the faults that kernels added since. */
  settle(): void {
    const { image } = this;
    const end = image.count(FAULT);
    for (let row = Math.max(this.#seen, 1); row < end; row++) this.#deal(row);
    this.#seen = end;
  }

  #deal(row: number): void {
    const error = explainFault(this.image, row);
    const code = this.image.get(FAULT.code, row);
    const isOfFunction = code >= FUNCTION_FAULTS.first && code <= FUNCTION_FAULTS.last;
    if (this.options.onProblems === undefined && this.options.keepFaults === true && isOfFunction)
      this.#keep(this.image.get(FAULT.a, row), error);
    else
      this.attempt(() => {
        throw error;
      });
  }

  #keep(atom: number, error: RootletError): void {
    const problems = addFrame(error, this.name).problems;
    this.faultsOf.set(atom, [...(this.faultsOf.get(atom) ?? []), ...problems]);
  }

  /** Runs a step; what is wrong with it is reported if the reader is tolerant. */
  attempt(step: () => void): void {
    const { onProblems } = this.options;
    try {
      step();
    } catch (error) {
      if (onProblems === undefined || !(error instanceof RootletError)) throw error;
      onProblems(addFrame(error, this.name).problems);
    }
  }
}
