/** `rootlet attach`: attaches a program to a hook, under a name. */

import { join } from 'node:path';
import { buildCommand, numberParser } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import {
  type Binding,
  firstEntryState,
  firstRelink,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
  settingsOf,
  slotsFor,
} from '../../src/dynamic/index.ts';
import {
  attachRecorded,
  HOOK_KINDS,
  type HookRequest,
  hookContents,
  hookData,
  hookFacts,
  hookPin,
  hookTypeNotes,
  isOperations,
  parseHook,
  programForHook,
  typesForHook,
} from '../../src/hooks/index.ts';
import { openSys, type XdpMode } from '../../src/kernel/index.ts';
import { type LoadedObject, OPTIMIZED } from '../../src/load/index.ts';
import { type InputObject, retypedInput } from '../../src/object/index.ts';
import { encodeEntryState } from '../../src/state/index.ts';
import type { JsonObject, StoreEntry } from '../../src/store/index.ts';
import { BIND_FLAGS, type BindFlags, explanation, withBound } from '../flags/binding.ts';
import { parseComponent } from '../flags/components.ts';
import { LOAD_LIMITS, parseLimits } from '../flags/limits.ts';
import {
  entryName,
  givenNotes,
  LOAD_FLAGS,
  type LoadFlags,
  loadOptionsOf,
  now,
  type ObjectInput,
  objectInput,
  openStore,
  readObjects,
  requireFree,
  STORE_FLAGS,
  type StoreFlags,
  tailCallNotes,
} from '../flags/loading.ts';
import { loadOptimizeFlags } from '../flags/optimize.ts';
import { parseTypes } from '../flags/types.ts';
import { entryJson, formatEntry } from '../format/entry.ts';
import { table } from '../format/table.ts';
import { type Context, guarded, print, printJson, printLine, tellNotes } from '../io/context.ts';

interface Flags extends LoadFlags, StoreFlags, BindFlags {
  readonly mode?: XdpMode;
  readonly ingress: boolean;
  readonly egress: boolean;
  readonly priority?: number;
  readonly name?: string;
  readonly slots?: SlotBackEnd;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;
const MODES: readonly XdpMode[] = ['native', 'generic', 'offload'];

/** Kinds with their targets, a line each. */
const KINDS = table(
  HOOK_KINDS.map(({ name, target }) => [name, target]),
  '  ',
);

export const attachCommand = buildCommand<Flags, [string, string, string], Context>({
  docs: {
    brief: 'Attach a program to a hook, and keep it by name',
    fullDescription:
      'Load a program and what it needs, and attach it. It stays attached until "rootlet detach NAME"; "rootlet replace ' +
      `NAME FILE" replaces it with a new version.\n\nKinds of hooks, and TARGET for each (-: specified by the section of ` +
      `the program):\n${KINDS}`,
  },
  parameters: {
    flags: {
      name: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Name of the entry (default: file name)',
        placeholder: 'N',
      },
      mode: { kind: 'enum', values: MODES, optional: true, brief: 'XDP mode (default: the kernel chooses)' },
      ingress: { ...off, brief: 'tc, tcx: attach to incoming packets' },
      egress: { ...off, brief: 'tc, tcx: attach to outgoing packets' },
      priority: {
        kind: 'parsed',
        parse: numberParser,
        optional: true,
        brief: 'tc: priority of the filter; lower values run first',
        placeholder: 'N',
      },
      slots: {
        kind: 'enum',
        values: SLOT_BACK_ENDS,
        optional: true,
        brief: 'Back end that fills the slots of a rootlet (tail: for hooks whose program cannot be changed)',
      },
      ...LOAD_FLAGS,
      ...loadOptimizeFlags('-O0, with --slots static -O1'),
      ...BIND_FLAGS,
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { O: 'optimize' },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Kind of hook', parse: String, placeholder: 'KIND' },
        { brief: 'What to attach to', parse: String, placeholder: 'TARGET' },
        {
          brief: 'Object file, and the program if it has several',
          parse: String,
          placeholder: 'FILE[:PROGRAM]',
        },
      ],
    },
  },
  async func(flags, kind, target, component) {
    await guarded(this, flags.json, () => {
      const hook = parseHook(kind, target, flags);
      const { file, program } = parseComponent(component);
      const name = entryName(file, flags.name);
      const input = readObjects([file], parseLimits(flags, LOAD_LIMITS), parseTypes(flags.type));
      const { entry, bindings, notes } = attachNamed(this, flags, hook, name, input, program);
      if (flags.json) {
        printJson(this, { ok: true, entry: entryJson(entry), bindings, notes });
        return;
      }
      tellNotes(this, notes);
      const facts = hookFacts(entry);
      print(this, formatEntry(`attached ${facts.program} to ${facts.place} as ${entry.name}`, entry));
      if (kind === 'iter') printLine(this, `to read it: cat ${join(entry.path, hookPin(entry))}`);
      if (flags.explain) for (const line of explanation(bindings)) printLine(this, line);
    });
  },
});

function attachNamed(
  context: Context,
  flags: Flags,
  hook: HookRequest,
  name: string,
  file: ObjectInput,
  wanted: string | undefined,
): {
  readonly entry: StoreEntry;
  readonly bindings: readonly Binding[];
  readonly notes: readonly string[];
} {
  const tables = isOperations(hook);
  const types = typesForHook(file.object, hook, wanted);
  const input = types.size === 0 ? file : objectInput(retypedInput(file.input, types));
  const main = programForHook(input.object, hook, wanted);
  const only = tables ? undefined : [main];
  const sys = openSys();
  const store = openStore(context, flags, sys);
  const options = loadOptionsOf(sys, store.root, flags, only);
  const slotted = { ...input, object: slotsFor(input.object, flags.slots) };
  return store.locked(() => {
    requireFree(store, 'hook', name);
    // as the next change of its slots will load it
    const optimize = options.optimize ?? (flags.slots === 'static' ? OPTIMIZED : undefined);
    const loading = { ...options, ...given({ optimize }) };
    const job = { sys, store, input: slotted, name, flags, options: loading, only };
    return withBound(job, (loaded, kept) => {
      const entry = attachRecorded(loaded, main, hook, (attached, commit) => {
        const data = {
          ...hookData(attached, hook, main),
          ...encodeEntryState(firstEntryState(loaded, settingsOf(options), options.optimize)),
          ...kept.data,
          ...slotsData(loaded, input.input, main, flags.slots),
        };
        const contents = hookContents({ ...input, time: now() }, loaded, attached, data);
        const links = new Map([...(contents.links ?? []), ...kept.links]);
        return store.save('hook', name, { ...contents, links }, commit);
      });
      const notes = [
        ...hookTypeNotes(file.object, types),
        ...loaded.notes,
        ...givenNotes(flags, loaded.plan),
        ...tailCallNotes(input, loaded),
      ];
      return { entry, bindings: kept.bindings, notes };
    });
  });
}

function slotsData(
  loaded: LoadedObject,
  input: InputObject,
  main: string,
  via: SlotBackEnd | undefined,
): JsonObject {
  return via === undefined ? {} : firstRelink(loaded, input, main, via);
}
