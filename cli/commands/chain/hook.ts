/** What all commands of chains begin and end with: the hook that is meant, and the report of a change. */

import { given } from '../../../src/bytes/index.ts';
import {
  type ChainChange,
  type ChainContext,
  type ChainEdit,
  type ChainHook,
  type ChainKind,
  type ChainOptions,
  changeChain,
  findChainHook,
} from '../../../src/chain/index.ts';
import { EXIT } from '../../../src/diag/index.ts';
import { openSys } from '../../../src/kernel/index.ts';
import {
  type BuildFlags,
  type ChangeFlags,
  type DirectionFlags,
  directionOf,
  loadOptions,
  type ModeFlags,
} from '../../flags/chain.ts';
import { words } from '../../flags/components.ts';
import { explainingValues, now, openStore, type StoreFlags } from '../../flags/loading.ts';
import { parseLoadOptimize } from '../../flags/optimize.ts';
import { changeJson, formatChange } from '../../format/chain-change.ts';
import { type Context, print, printJson, tellNotes } from '../../io/context.ts';

export const INTERFACE = { brief: 'Interface', parse: String, placeholder: 'IFACE' } as const;

/** `changes`: whether programs are loaded, so that the rights for it are missed before anything else. */
export function chainContext(context: Context, flags: StoreFlags, changes: boolean): ChainContext {
  const sys = openSys({ requireRights: changes });
  return { sys, store: openStore(context, flags, sys), time: now() };
}

/** Throws `kernel-no-interface`, `attach-direction`. */
export function hookOf(
  { sys }: ChainContext,
  kind: ChainKind,
  name: string,
  flags: Partial<DirectionFlags>,
): ChainHook {
  return findChainHook(sys, name, kind, directionOf(kind, flags));
}

export interface ChangeRequest {
  readonly hook: ChainHook;
  readonly edit: ChainEdit;
  readonly options: ChainOptions;
  /** As in `ChangeStyle`. */
  readonly asked: readonly [done: string, planned: string];
  readonly replaced?: string;
}

/** Changes a chain and reports it. A plan with a refusal ends with the exit code of a refusal. */
export function change(
  context: Context,
  chains: ChainContext,
  flags: ChangeFlags,
  { hook, edit, options, ...style }: ChangeRequest,
): void {
  const { dryRun, verbose, json } = flags;
  const done = {
    droppedSettings: [],
    ...explainingValues(() => changeChain(chains, hook, edit, { ...options, dryRun })),
  };
  const refused = isRefused(done);
  if (refused) context.process.exitCode = EXIT.platform;
  if (json) {
    printJson(context, { ok: !refused, dryRun, ...changeJson(done) });
    return;
  }
  tellNotes(context, done.notes);
  print(context, formatChange(done, { ...style, dryRun, all: verbose || dryRun, counters: verbose }));
}

function isRefused({ state }: ChainChange): boolean {
  return state.some(({ kind }) => kind === 'refuse');
}

/** What flags specify of how a chain is built. */
export function buildOptions({ sys, store }: ChainContext, flags: BuildFlags & ModeFlags): ChainOptions {
  return {
    load: loadOptions(sys, store, flags),
    ...given({
      mode: flags.mode === 'unspecified' ? undefined : flags.mode,
      via: flags.via,
      failClosed: flags.failClosed,
      counters: flags.counters,
      optimize: parseLoadOptimize(flags),
      fresh: flags.fresh?.flatMap(words),
    }),
  };
}
