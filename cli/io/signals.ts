/** Ctrl-C during output: long loops process signals regularly, and incomplete files are removed. */

import { setImmediate } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `cleanUp` before a signal ends the process as it would have anyway; returns how to stop watching. */
export function beforeSignals(cleanUp: () => void): () => void {
  const end = (signal: NodeJS.Signals) => {
    cleanUp();
    stop();
    process.kill(process.pid, signal);
  };
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return stop;
}

/** Lets waiting signals in. */
export async function breathe(): Promise<void> {
  await setImmediate();
}
