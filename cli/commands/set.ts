/** `rootlet set`: variables of what runs. */

import { buildCommand } from '@stricli/core';
import { usageError } from '../../src/diag/index.ts';
import { setVariables, withViews } from '../../src/dynamic/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { off } from '../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { splitPair } from '../flags/set-values.ts';
import { settingJson, settingNotes, settingText } from '../format/variable-settings.ts';
import type { Context } from '../io/context.ts';
import { guarded, printJson, printLine, tellNotes } from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly dryRun: boolean;
  readonly json: boolean;
}

export const setCommand = buildCommand<Flags, string[], Context>({
  docs: {
    brief: 'Change variables of what runs',
    fullDescription:
      'Change variables of attachments and loaded objects while their programs run: NAME.VARIABLE=VALUE, or a part of one, as ' +
      'NAME.cfg.limit=5 and NAME.table[3]=7. Members and elements that are not given keep their values. All are checked before ' +
      'the first is written. Constants stay as they were loaded: "rootlet replace NAME --set" changes them, and is recorded.',
  },
  parameters: {
    flags: {
      dryRun: { ...off, brief: 'Print what would change, and change nothing' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON (docs/schema/set.schema.json)' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        parse: String,
        placeholder: 'NAME.VARIABLE=VALUE',
        brief: 'Variable, or a part of it, and its value',
      },
    },
  },
  async func(flags, ...words) {
    await guarded(this, flags.json, () => {
      if (words.length === 0) throw usageError('usage-set', 'no variable is given: NAME.VARIABLE=VALUE');
      const pairs = words.map(word => splitPair(word, 'argument', 'NAME.VARIABLE=VALUE'));
      const store = openStore(this, flags, openSys({ requireRights: false }));
      const run = () =>
        withViews(views => {
          const outcomes = setVariables(store, pairs, flags.dryRun, views);
          const notes = settingNotes(outcomes);
          if (flags.json) {
            printJson(this, { ok: true, dryRun: flags.dryRun, changes: outcomes.map(settingJson), notes });
            return;
          }
          for (const outcome of outcomes) printLine(this, settingText(outcome, flags.dryRun));
          tellNotes(this, notes);
        });
      if (flags.dryRun) run();
      else store.locked(run);
    });
  },
});
