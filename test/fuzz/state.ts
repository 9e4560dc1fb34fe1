/** What the threads of a run share. */

export interface WorkerSettings {
  readonly seed: number;
  /** First case, and how many numbers further the next one is. */
  readonly first: number;
  readonly step: number;
  readonly target: string | undefined;
  readonly directory: string;
  /** Words: number of the case that runs, cases that ran, 1 when it is to end; 1 while a failure is made smaller. */
  readonly shared: SharedArrayBuffer;
}

/** What the worker reports. */
export interface Found {
  readonly kind: string;
  readonly message: string;
  readonly file: string;
}

export const WORD = { current: 0, done: 1, stop: 2, shrinking: 3, words: 4 } as const;
