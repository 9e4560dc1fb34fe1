/** The worker as functions that take time. A worker that was stopped is replaced by another one. */

import type { Answer, GivenFile, JobName, Jobs, ProblemView } from '../messages.ts';

/** A job that ended with problems. */
export class JobError extends Error {
  readonly problems: readonly ProblemView[];

  constructor(problems: readonly ProblemView[]) {
    super(problems.map(({ text }) => text).join('\n'));
    this.problems = problems;
  }
}

interface Waiting {
  resolve(give: unknown): void;
  reject(error: JobError): void;
}

export class WorkerClient {
  #worker: Worker;
  #files: readonly GivenFile[] = [];
  #count = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor() {
    this.#worker = this.#start();
  }

  /** Whether a job runs. */
  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  /** The files that all later jobs are about. */
  giveFiles(files: readonly GivenFile[]): Promise<Jobs['survey']['give']> {
    this.#files = files;
    return this.ask('survey', files);
  }

  ask<Name extends JobName>(job: Name, take: Jobs[Name]['take']): Promise<Jobs[Name]['give']> {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      // the worker answers a job with what the table of jobs says
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker.postMessage({ id, job, take });
    });
  }

  /** Ends what runs. */
  stop(): void {
    this.#worker.terminate();
    const stopped = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#worker = this.#start();
    this.#worker.postMessage({ id: 0, job: 'survey', take: this.#files });
    for (const { reject } of stopped) reject(new JobError([{ code: '', text: 'stopped' }]));
  }

  #start(): Worker {
    const worker = new Worker('worker.js');
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => this.#take(data));
    worker.addEventListener('error', event => this.#fail(event.message));
    return worker;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.give);
    else waiting?.reject(new JobError(answer.problems));
  }

  /** The worker could not be read, or ended. */
  #fail(message: string): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const text = `the worker of this page failed: ${message || 'it cannot be read'}`;
    for (const { reject } of waiting) reject(new JobError([{ code: '', text }]));
  }
}
