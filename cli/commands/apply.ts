/** `rootlet apply`: makes the hooks of interfaces what documents declare. */

import { resolve } from 'node:path';
import { buildCommand, numberParser } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import { type AppliedChain, applyChains, planChains, problemsOfRun } from '../../src/chain/index.ts';
import {
  asLines,
  exitCodeOf,
  joinBlocks,
  type Limits,
  RootletError,
  usageError,
} from '../../src/diag/index.ts';
import {
  DECLARED_FLAGS,
  type DeclaredFlags,
  findWanted,
  readDocuments,
  waitForInterfaces,
} from '../flags/declared.ts';
import { off } from '../flags/kinds.ts';
import { APPLY_LIMITS, limitsFlag, parseLimits } from '../flags/limits.ts';
import { type LoadOptimizeFlags, loadOptimizeFlags, parseLoadOptimize } from '../flags/optimize.ts';
import { bootUnit } from '../format/boot-unit.ts';
import { allNotes, formatApplied, formatPlan, planJson } from '../format/declared.ts';
import { type Context, guarded, print, printJson, tellNotes, tellProblem } from '../io/context.ts';
import { chainContext } from './chain/hook.ts';

interface Flags extends DeclaredFlags, LoadOptimizeFlags {
  readonly dryRun: boolean;
  readonly wait?: number;
  readonly installUnit: boolean;
}

export const applyCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'Make the hooks of interfaces what documents declare',
    fullDescription:
      'Compare the chains that documents declare with those that run, and change what differs: each hook in one ' +
      'atomic switch, after everything has been checked for all hooks. Maps and variables of members that stay keep ' +
      'their contents. Hooks that no document names stay as they are. A second run changes nothing.',
  },
  parameters: {
    flags: {
      ...DECLARED_FLAGS,
      ...limitsFlag(APPLY_LIMITS),
      dryRun: { ...off, brief: 'Print what would be done, and change nothing' },
      wait: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'Wait up to SECONDS for interfaces that do not exist yet',
        placeholder: 'SECONDS',
      },
      ...loadOptimizeFlags('as the document specifies, else -O1'),
      installUnit: { ...off, brief: 'Print a systemd unit that applies FILE at boot' },
    },
    aliases: { f: 'file', O: 'optimize' },
  },
  async func(flags) {
    await guarded(this, flags.json, async () => {
      if (flags.installUnit) printUnit(this, flags);
      else await applyAll(this, flags, parseLimits(flags, APPLY_LIMITS));
    });
  },
});

async function applyAll(context: Context, flags: Flags, limits: Limits | undefined): Promise<void> {
  const declared = readDocuments(flags, limits);
  const chains = chainContext(context, flags, !flags.dryRun);
  await waitForInterfaces(chains.sys, declared, waitOf(flags));
  const options = {
    force: flags.force,
    load: given({ limits }),
    ...given({ optimize: parseLoadOptimize(flags) }),
  };
  const planned = planChains(chains, findWanted(chains, flags, declared, limits), options);
  if (!flags.dryRun) reportRun(context, flags, applyChains(chains, planned, options));
  else if (flags.json) printJson(context, { ok: true, dryRun: true, hooks: planned.map(planJson) });
  else print(context, joinBlocks(planned.map(formatPlan)));
}

function waitOf({ wait = 0 }: Flags): number {
  if (wait >= 0 && wait <= 86_400) return wait;
  throw usageError('usage-arguments', `--wait ${wait} is not a number of seconds from 0 to 86400`);
}

function reportRun(context: Context, flags: Flags, applied: readonly AppliedChain[]): void {
  const problems = problemsOfRun(applied);
  if (problems.length > 0) context.process.exitCode = exitCodeOf(new RootletError(problems));
  if (flags.json) {
    const hooks = applied.map(one => ({ ...planJson(one), outcome: one.outcome, problems: one.problems }));
    printJson(context, { ok: problems.length === 0, dryRun: false, hooks, problems });
    return;
  }
  for (const { change } of applied) tellNotes(context, allNotes(change));
  for (const problem of problems) tellProblem(context, problem);
  print(context, joinBlocks(applied.map(formatApplied)));
}

function printUnit(context: Context, { file = [], wait }: Flags): void {
  const [path, other] = file;
  if (path === undefined || path === '-' || other !== undefined)
    throw usageError('usage-arguments', '--install-unit needs one file: -f FILE');
  const [node = '', script = ''] = [process.execPath, process.argv[1]];
  const unit = bootUnit({ command: [node, resolve(script)], file: resolve(path), wait: wait ?? undefined });
  print(context, asLines(unit));
}
