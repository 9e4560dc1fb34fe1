/** `rootlet plan`: what `apply` would change, and which packets of a capture would get another verdict. */

import { buildCommand } from '@stricli/core';
import { planChains } from '../../src/chain/index.ts';
import { EXIT } from '../../src/diag/index.ts';
import {
  DECLARED_FLAGS,
  type DeclaredFlags,
  findDeclared,
  openChains,
  readDocuments,
} from '../flags/declared.ts';
import { formatPlan, planJson } from '../format/declared.ts';
import { type Context, guarded, print, printJson, tell } from '../io/context.ts';

export const planCommand = buildCommand<DeclaredFlags, [], Context>({
  docs: {
    brief: 'Print what apply would change on the hooks of interfaces',
    fullDescription:
      'Compare the chains that documents declare with those that run, and print the difference: + is added, - is ' +
      'removed, ~ is changed. Everything is checked as apply checks it, and nothing is changed. The exit code is 0 if ' +
      'nothing is pending, 2 if something is pending, and another one for problems.',
  },
  parameters: { flags: DECLARED_FLAGS, aliases: { f: 'file' } },
  async func(flags) {
    let isPending = false;
    await guarded(this, flags.json, () => {
      const context = openChains(this, flags);
      const ready = findDeclared(context.sys, readDocuments(flags));
      const planned = planChains(context, ready, { force: flags.force });
      isPending = planned.some(({ plan }) => plan.action !== 'none');
      if (flags.json) printJson(this, { ok: true, pending: isPending, hooks: planned.map(planJson) });
      else {
        for (const { change } of planned)
          for (const note of change?.notes ?? []) tell(this, `rootlet: note: ${note}`);
        print(this, planned.map(formatPlan).join('\n'));
      }
    });
    // 2 has one meaning here
    if (this.process.exitCode === EXIT.usage) this.process.exitCode = EXIT.input;
    if (isPending) this.process.exitCode ??= EXIT.pending;
  },
});
