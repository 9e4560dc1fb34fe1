/**
 * Progress of work that takes long, on one line of a terminal: how much is done, how fast, and how long the rest takes. It
 * is not there for the first two seconds, and gone at the end. Only on stderr, and only where that is a terminal.
 */

import { printableName } from '../../src/diag/index.ts';
import { scaled } from '../format/scaled.ts';

/** Milliseconds before the first line. */
const DELAY = 2000;
/** Milliseconds between two lines. */
const INTERVAL = 100;
/** Columns where a terminal does not say how many it has, or says 0, as some do. */
const COLUMNS = 80;

/** What is used of stderr. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Progress {
  /** Bytes that are done. Cheap: for each piece of work. */
  at(done: number): void;
  /** Clears the line. To be called before anything else is written. */
  end(): void;
}

export interface Work {
  readonly name: string;
  /** Bytes; null where that is not known. */
  readonly total: number | null;
  /** The output is for programs. */
  readonly isSilent: boolean;
}

/** What a test replaces. */
export interface Surroundings {
  readonly stream: ProgressStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  now(): number;
}

const NOWHERE: Progress = { at: () => {}, end: () => {} };

/** The progress of work that begins now. */
export function startProgress(work: Work, surroundings: Surroundings = ownSurroundings()): Progress {
  const { stream, env } = surroundings;
  const isShown = !work.isSilent && stream.isTTY === true && env['TERM'] !== 'dumb';
  return isShown ? new ProgressLine(work, surroundings) : NOWHERE;
}

function ownSurroundings(): Surroundings {
  return { stream: process.stderr, env: process.env, now: () => performance.now() };
}

class ProgressLine implements Progress {
  readonly #work: Work;
  readonly #surroundings: Surroundings;
  readonly #start: number;
  #next: number;
  /** Characters of the line that is there. */
  #length = 0;

  constructor(work: Work, surroundings: Surroundings) {
    this.#work = work;
    this.#surroundings = surroundings;
    this.#start = surroundings.now();
    this.#next = this.#start + DELAY;
  }

  at(done: number): void {
    const now = this.#surroundings.now();
    if (now < this.#next) return;
    this.#next = now + INTERVAL;
    this.#draw(progressText(this.#work, done, (now - this.#start) / 1000));
  }

  end(): void {
    if (this.#length > 0) this.#surroundings.stream.write(`\r${' '.repeat(this.#length)}\r`);
    this.#length = 0;
    this.#next = Number.POSITIVE_INFINITY;
  }

  /** Spaces cover what is left of a longer line. The last column stays free, so that no terminal breaks the line. */
  #draw(text: string): void {
    const { stream } = this.#surroundings;
    const line = text.slice(0, widthOf(stream) - 1);
    stream.write(`\r${line.padEnd(this.#length)}`);
    this.#length = line.length;
  }
}

function widthOf({ columns }: ProgressStream): number {
  return columns === undefined || columns < 1 ? COLUMNS : columns;
}

/** `traffic.pcap: 25%, 250MB of 1.00GB, 100MB/s, 8 s left`. */
function progressText({ name, total }: Work, done: number, seconds: number): string {
  const rate = done / seconds;
  const title = printableName(name);
  const speed = `${scaled(rate)}B/s`;
  if (total === null || total <= 0) return `${title}: ${scaled(done)}B, ${speed}`;
  const share = Math.min(100, Math.floor((100 * done) / total));
  const left = rate > 0 ? `, ${timeText(Math.max(0, total - done) / rate)} left` : '';
  return `${title}: ${share}%, ${scaled(done)}B of ${scaled(total)}B, ${speed}${left}`;
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
