/** `rootlet xdp clean`, `rootlet tc clean`: remove what is left of chains that are attached nowhere. */

import { buildCommand } from '@stricli/core';
import { type CleanReport, cleanChains } from '../../../src/chain/index.ts';
import { off } from '../../flags/kinds.ts';
import { STORE_FLAGS, type StoreFlags } from '../../flags/loading.ts';
import { formatClean } from '../../format/chain-clean.ts';
import { type Context, guarded, print, printJson, tellNotes } from '../../io/context.ts';
import { chainContext } from './hook.ts';

interface Flags extends StoreFlags {
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

const PARAMETERS = {
  flags: {
    dryRun: { ...off, brief: 'Print what would be removed, and remove nothing' },
    verbose: { ...off, brief: 'Accepted for scripts of xdp-loader; has no effect' },
    ...STORE_FLAGS,
    json: { ...off, brief: 'Output JSON' },
  },
  aliases: { v: 'verbose' },
  positional: {
    kind: 'tuple',
    parameters: [
      {
        brief: 'Accepted for scripts of xdp-loader: all interfaces are cleaned',
        parse: String,
        placeholder: 'IFACE',
        optional: true,
      },
    ],
  },
} as const;

const DOCS = {
  brief: 'Remove what is left of chains that are attached nowhere',
  fullDescription:
    'Remove entries of the store, and pins of libxdp, of chains that are attached to no interface: the interface was ' +
    'deleted, or another tool replaced them. All network namespaces are searched first; what is attached in any of ' +
    'them stays, and so does what cannot be decided.',
} as const;

export const xdpCleanCommand = buildCommand<Flags, [string?], Context>({
  docs: DOCS,
  parameters: PARAMETERS,
  async func(flags, name) {
    await guarded(this, flags.json, () => clean(this, flags, name));
  },
});

export const tcCleanCommand = buildCommand<Flags, [string?], Context>({
  docs: DOCS,
  parameters: PARAMETERS,
  async func(flags, name) {
    await guarded(this, flags.json, () => clean(this, flags, name));
  },
});

function clean(context: Context, flags: Flags, name: string | undefined): void {
  const { dryRun, json } = flags;
  const report = cleanChains(chainContext(context, flags, false), { dryRun });
  const notes = [
    ...report.notes,
    ...(name === undefined ? [] : [`not only ${name}, all interfaces are cleaned`]),
  ];
  if (json) {
    printJson(context, { ok: true, dryRun, ...jsonOf(report), notes });
    return;
  }
  tellNotes(context, notes);
  print(context, formatClean(report, dryRun));
}

function jsonOf({ removed, left }: CleanReport): Record<string, unknown> {
  return { removed, left };
}
