/**
 * What programs print with bpf_printk(): lines of `trace_pipe` in tracefs, which the kernel shares among all programs. Each
 * line has one reader.
 *
 * Source: Linux, kernel/trace/trace_output.c (trace_print_context), include/trace/events/bpf_trace.h.
 */

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { platformError } from '../../diag/index.ts';
import { TRACEFS } from './perf-event.ts';

/** A line that a program printed. */
export interface TraceLine {
  /** Name of the task that the program interrupted or ran in, as the kernel has it. */
  readonly task: string;
  readonly pid: number;
  readonly cpu: number;
  /** Seconds of the clock of the trace, as text: `1234.567890`. */
  readonly time: string;
  readonly text: string;
}

/** What is read at once. */
export interface TraceBatch {
  readonly lines: readonly TraceLine[];
  /** Lines that the kernel dropped since the batch before. */
  readonly lost: number;
}

const LINE =
  /^\s*(.+)-(\d+)\s+(?:\(\s*[-\d]+\)\s+)?\[(\d+)\]\s+(?:\S+\s+)?(\d+\.\d+): bpf_trace_printk: (.*)$/;
const LOST = /\[LOST (\d+) EVENTS\]/;
const CHUNK = 1 << 16;

/** Lines of programs among lines of `trace_pipe`; those of other trace events are left out. */
export function parseTrace(lines: readonly string[]): TraceBatch {
  const lost = lines.reduce((sum, line) => sum + lostIn(line), 0);
  return { lines: lines.map(traceLine).filter(line => line !== undefined), lost };
}

function lostIn(line: string): number {
  const match = LOST.exec(line);
  return match === null ? 0 : Number(match[1]);
}

function traceLine(line: string): TraceLine | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, task, pid, cpu, time, text] = match;
  if (task === undefined || time === undefined || text === undefined) return undefined;
  return { task, pid: Number(pid), cpu: Number(cpu), time, text };
}

/** `trace_pipe`, open. What is read is gone for every other reader. */
export class TracePipe {
  readonly #fd: number;
  readonly #bytes = new Uint8Array(CHUNK);
  readonly #decoder = new TextDecoder();
  /** The beginning of a line whose end is not there yet. */
  #rest = '';

  /** Throws `kernel-trace` where tracefs is not mounted, or this user may not read it. */
  constructor(roots: readonly string[] = TRACEFS) {
    this.#fd = openFirst(roots);
  }

  /** What is there. Never waits. */
  read(): TraceBatch {
    const text = this.#rest + this.#available();
    const end = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(end);
    return parseTrace(text.slice(0, end).split('\n').slice(0, -1));
  }

  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #available(): string {
    try {
      const length = readSync(this.#fd, this.#bytes);
      return this.#decoder.decode(this.#bytes.subarray(0, length), { stream: true });
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return '';
      throw platformError('kernel-trace', [], `trace_pipe cannot be read: ${codeOf(error)}`);
    }
  }
}

function openFirst(roots: readonly string[]): number {
  const reasons: string[] = [];
  for (const root of roots) {
    try {
      return openSync(join(root, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      reasons.push(codeOf(error));
    }
  }
  const isRefused = reasons.some(reason => reason === 'EACCES' || reason === 'EPERM');
  throw platformError('kernel-trace', [], `trace_pipe cannot be opened: ${reasons.join(', ')}`, {
    hint: isRefused
      ? 'only root reads it, and one process at a time'
      : 'tracefs must be mounted: mount -t tracefs nodev /sys/kernel/tracing',
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
