/** `rootlet doctor`: probes what this machine supports, and the state of chains, with remedies for what is wrong. */

import { buildCommand } from '@stricli/core';
import { type ChainTrouble, examineChains, repairChains } from '../../src/chain/index.ts';
import { joinBlocks, RootletError } from '../../src/diag/index.ts';
import { type DoctorReport, examine, type Finding, openSys, type Sys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { now, openStore, STORE_FLAGS, type StoreFlags, storeRoot } from '../flags/loading.ts';
import { formatReport, formatTroubles } from '../format/doctor-report.ts';
import { showsColour } from '../io/colour.ts';
import { type Context, guarded, print, printJson } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly json: boolean;
  readonly all: boolean;
  readonly fix: boolean;
}

export const doctorCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Probe what works here, and the state of chains',
    fullDescription:
      'Probe privileges, file systems, features, program types, map types and attachments, and print what to do about ' +
      'missing ones. Print what is stale, lost or unfinished of chains on interfaces, and what --fix does about it. Exit ' +
      'with 3 if something that loading requires is missing.',
  },
  parameters: {
    flags: {
      all: { ...off, brief: 'Also list every supported type' },
      fix: { ...off, brief: 'Repair chains as announced' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, () => {
      const sys = openSys({ requireRights: false });
      const report = examine(sys, { pins: storeRoot(this, flags) });
      const ok = requirements(report).every(({ state }) => state !== 'missing');
      const chains = chainsOf(this, flags, sys);
      if (flags.json) printJson(this, { ok, ...report, chains });
      else
        print(
          this,
          joinBlocks([formatReport(report, flags.all, showsColour('stdout')), formatTroubles(chains)], 1),
        );
      if (!ok) this.process.exitCode = 3;
    });
  },
});

/** State of chains: `unknown` tells why it could not be looked at. */
export interface ChainReport {
  readonly unknown: string | null;
  readonly repaired: readonly ChainTrouble[];
  readonly troubles: readonly ChainTrouble[];
}

function chainsOf(context: Context, flags: Flags, sys: Sys): ChainReport {
  try {
    const chains = { sys, store: openStore(context, flags, sys), time: now() };
    if (!flags.fix) return { unknown: null, repaired: [], troubles: examineChains(chains) };
    const { repaired, left } = repairChains(chains);
    return { unknown: null, repaired, troubles: left };
  } catch (error) {
    if (!(error instanceof RootletError) || flags.fix) throw error;
    return { unknown: error.message, repaired: [], troubles: [] };
  }
}

/** What nothing can be loaded without. */
function requirements(report: DoctorReport): Finding[] {
  return report.environment.filter(({ id }) => id === 'cap-bpf' || id === 'bpffs');
}
