/** Output that is drawn again every few seconds, until a signal ends it. */

import { setTimeout as sleep } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** To the first column of the first line. */
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_REST = '\u001b[J';

export interface Redrawing {
  /** Seconds between two drawings. */
  readonly interval: number;
  /** On a terminal each drawing replaces the one before; elsewhere they follow one another, without escapes. */
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
  /** A whole drawing, with the line break at its end. */
  readonly draw: () => string;
}

/** Draws until SIGINT, SIGTERM or SIGHUP: they end it without an error. Throws what `draw` and `write` throw. */
export async function redraw({ interval, isTerminal, write, draw }: Redrawing): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    while (!ended.signal.aborted) {
      const text = draw();
      write(isTerminal ? onScreen(text) : text);
      await pause(interval, ended.signal);
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
  }
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Lines are written over those of the last drawing, so that nothing flickers. */
function onScreen(text: string): string {
  return `${HOME}${text.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_REST}`;
}
