/** What is promised of every input: an answer or a `RootletError`, in bounded time and memory. */

import { RootletError } from '../../src/diag/problem.ts';

/** A broken promise. `kind` is the same for failures of one cause, so that shrinking keeps the cause. */
export class BrokenPromise extends Error {
  readonly kind: string;

  constructor(kind: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Runs `body`; undefined when it is refused. */
export function attempt<T>(what: string, body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw thrownBy(what, error);
  }
}

export function isRefusal(error: unknown): boolean {
  return error instanceof RootletError && !error.code.startsWith('bug-');
}

/** What must not happen: another error. */
export function thrownBy(what: string, error: unknown): BrokenPromise {
  if (error instanceof BrokenPromise) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = error instanceof Error ? (/\n\s+at (\S+)/.exec(error.stack ?? '')?.[1] ?? '') : '';
  return new BrokenPromise(
    `${what}: ${text.replace(/\d+|"[^"]*"/g, '#')} ${place}`,
    `${what}: ${text}`,
    error,
  );
}

/** What was accepted must hold what follows. */
export function promise(holds: boolean, what: string, message = what): void {
  if (!holds) throw new BrokenPromise(what, message);
}

/** Seconds of processor time, and bytes of memory, that a case of so many bytes may take. */
export function limitsFor(bytes: number): { readonly seconds: number; readonly memory: number } {
  const megabytes = Math.max(1, bytes / 2 ** 20);
  return { seconds: megabytes, memory: megabytes * (256 << 20) };
}

/** Processor time of this process so far, in seconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Largest memory of this process so far, in bytes. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}
