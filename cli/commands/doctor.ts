/** `rootlet doctor`: what this machine can do with BPF, and what to do about what is missing. */

import { buildCommand } from '@stricli/core';
import { type DoctorReport, examine, type Finding, openSys } from '../../src/kernel/index.ts';
import { formatReport } from '../format/doctor-report.ts';
import { type Context, guarded, print, printJson } from '../io/context.ts';

interface Flags {
  readonly json: boolean;
  readonly all: boolean;
}

const off = { kind: 'boolean', default: false } as const;

export const doctorCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Show what this kernel and this process can do with BPF, found out by trying',
    fullDescription:
      'Tries rights, file systems, features, program types, map types and attachments, and says what to do about what is ' +
      'missing. Exit code 3 when something that loading needs is missing.',
  },
  parameters: {
    flags: {
      all: { ...off, brief: 'List also every type that is there' },
      json: { ...off, brief: 'As JSON' },
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
