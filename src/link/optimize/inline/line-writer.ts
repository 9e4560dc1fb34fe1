/**
 * Line records of code that was put together from several functions.
 *
 * A record applies to all instructions up to the next one, so there is one wherever the line changes. The kernel
 * requires ascending positions and a record for the first instruction.
 */

import type { LineRecord } from '../../../btf/index.ts';

/** For instructions of functions without line records, among others that have them. */
const UNKNOWN: Omit<LineRecord, 'insnIndex'> = { file: '', text: '', line: 0, column: 0 };

export class LineWriter {
  readonly #records: LineRecord[] = [];
  #last: Omit<LineRecord, 'insnIndex'> | null = null;
  #isAnyKnown = false;

  /** The line of the instruction at a slot, in ascending order. */
  add(insnIndex: number, line: LineRecord | null): void {
    const { file, text, line: number, column } = line ?? UNKNOWN;
    if (line !== null) this.#isAnyKnown = true;
    const last = this.#last;
    if (last?.file === file && last.line === number && last.column === column && last.text === text) return;
    const record = { insnIndex, file, text, line: number, column };
    this.#records.push(record);
    this.#last = record;
  }

  /** The records; none where no instruction has a line. */
  records(): readonly LineRecord[] {
    return this.#isAnyKnown ? this.#records : [];
  }
}
