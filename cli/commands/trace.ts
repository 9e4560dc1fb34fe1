/** `rootlet trace`: what programs print with bpf_printk(), as it comes. */

import { buildCommand, numberParser } from '@stricli/core';
import { counted } from '../../src/diag/index.ts';
import { type Printer, printersOf, printersOfLine } from '../../src/dynamic/index.ts';
import { openSys, type TraceLine, TracePipe } from '../../src/kernel/index.ts';
import type { Store } from '../../src/store/index.ts';
import { off } from '../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { type Context, guarded, printJsonLine, printLine, tellLine } from '../io/context.ts';
import { Stop } from '../io/stop.ts';

interface Flags extends StoreFlags {
  readonly count?: number;
  readonly json: boolean;
}

/** Milliseconds between two looks at the trace. */
const POLL = 50;
/** Milliseconds after which the entries are looked at again. */
const LOOK_AGAIN = 2000;

export const traceCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Follow what programs print with bpf_printk',
    fullDescription:
      'Print the lines of bpf_printk() of all programs in the kernel, until ^C: time, CPU, task, the function that printed, ' +
      'and the text. The kernel does not tell which program printed: it is found by the formats of what rootlet loaded. Lines ' +
      'are taken out of trace_pipe: no other process gets them.',
  },
  parameters: {
    flags: {
      count: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'End after so many lines',
        placeholder: 'N',
      },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output one JSON document a line (docs/schema/trace.schema.json)' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, async () => {
      const store = openStore(this, flags, openSys({ requireRights: false }));
      using pipe = new TracePipe();
      await follow(this, flags, store, pipe);
    });
  },
});

async function follow(context: Context, flags: Flags, store: Store, pipe: TracePipe): Promise<void> {
  using stop = new Stop();
  let printers = printersOf(store);
  let [printed, lost] = [0, 0];
  const limit = flags.count ?? Number.POSITIVE_INFINITY;
  for (let waited = POLL; printed < limit && !stop.isStopped; waited += POLL) {
    const batch = pipe.read();
    lost += batch.lost;
    for (const line of batch.lines.slice(0, limit - printed))
      show(context, flags, line, printersOfLine(printers, line.text));
    printed += batch.lines.length;
    if (printed >= limit) break;
    await stop.wait(batch.lines.length === 0 ? POLL : 0);
    if (waited % LOOK_AGAIN === 0) printers = printersOf(store);
  }
  if (lost > 0) tellLine(context, `rootlet: ${counted(lost, 'line')} were lost`);
}

function show(context: Context, { json }: Flags, line: TraceLine, printers: readonly Printer[]): void {
  if (json) {
    const functions = printers.map(({ entry, component, function: name }) => ({
      ...{ kind: entry.kind, entry: entry.name, component, function: name },
    }));
    printJsonLine(context, { ok: true, ...line, functions });
    return;
  }
  const names = printers.map(({ entry, function: name }) => `${entry.name}:${name}`).join(' or ');
  const task = `${line.task}-${line.pid}`;
  printLine(context, `${line.time}  CPU ${line.cpu}  ${task}  ${names === '' ? '-' : names}  ${line.text}`);
}
