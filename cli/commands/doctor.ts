/** `rootlet doctor`: probes what this machine supports, with remedies for what is missing. */

import { buildCommand } from '@stricli/core';
import { type DoctorReport, examine, type Finding, openSys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { formatReport } from '../format/doctor-report.ts';
import { type Context, guarded, print, printJson } from '../io/context.ts';

interface Flags {
  readonly json: boolean;
  readonly all: boolean;
}

export const doctorCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Probe what this kernel and this process support',
    fullDescription:
      'Probe privileges, file systems, features, program types, map types and attachments, and print what to do about ' +
      'missing ones. Exit with 3 if something that loading requires is missing.',
  },
  parameters: {
    flags: {
      all: { ...off, brief: 'Also list every supported type' },
      json: { ...off, brief: 'Output JSON' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, () => {
      const report = examine(openSys({ requireRights: false }));
      const ok = requirements(report).every(({ state }) => state !== 'missing');
      if (flags.json) printJson(this, { ok, ...report });
      else print(this, formatReport(report, flags.all, isTerminal()));
      if (!ok) this.process.exitCode = 3;
    });
  },
});

/** What nothing can be loaded without. */
function requirements(report: DoctorReport): Finding[] {
  return report.environment.filter(({ id }) => id === 'cap-bpf' || id === 'bpffs');
}

function isTerminal(): boolean {
  const { NO_COLOR: plain } = process.env;
  return process.stdout.isTTY && plain === undefined;
}
