/** `rootlet replace`: other code into the slots of an attached rootlet, while it runs. */

import { buildCommand } from '@stricli/core';
import { quote, usageError } from '../../src/diag/index.ts';
import type { Generation, RelinkVia } from '../../src/dynamic/relink-generation.ts';
import type { Replaced, SlotState } from '../../src/dynamic/relink-rootlet.ts';
import type { Inheritance } from '../../src/dynamic/relink-state.ts';
import { openRootlet } from '../../src/dynamic/relink-store.ts';
import { fieldsOf } from '../../src/hooks/fields.ts';
import { hookFacts, openHook, variablesOf } from '../../src/hooks/index.ts';
import { openSys } from '../../src/kernel/sys-koffi.ts';
import { openKernelTypes } from '../../src/load/index.ts';
import { bpffsMountOf, type JsonObject, type Store, type StoreEntry } from '../../src/store/index.ts';
import { type NamedComponent, parseAssignment, parseComponent, words } from '../components.ts';
import { type Context, guarded, print, printJson } from '../context.ts';
import { readInputs } from '../files.ts';
import { entryJson } from '../format/entry.ts';
import { table } from '../format/table.ts';
import { now, openStore, requireEntry, STORE_FLAGS, type StoreFlags } from '../loading.ts';
import { parseSettings } from '../set-values.ts';
import { listFlag } from '../surgery-flags.ts';

interface Flags extends StoreFlags {
  readonly order?: string;
  readonly reset?: readonly string[];
  readonly set?: readonly string[];
  readonly via?: RelinkVia;
  readonly fresh: boolean;
  readonly explain: boolean;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;
const VIAS: readonly RelinkVia[] = ['ext', 'tail', 'static'];

export const replaceCommand = buildCommand<Flags, [string, ...string[]], Context>({
  docs: {
    brief: 'Put other code into slots of an attached rootlet, while it runs',
    fullDescription:
      'NAME is what "rootlet attach" attached; its slots are its global functions, and its program itself. Every packet ' +
      'is judged by the slots as they were or as they are, never by an empty one. What a component counted is kept for ' +
      'its next version where maps and variables agree. A component that does not fit, or that the kernel refuses, ' +
      'changes nothing.',
  },
  parameters: {
    flags: {
      order: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Fill the other slots in order with these components, and reset the rest',
        placeholder: 'FILE[:PROGRAM],...',
      },
      reset: listFlag('SLOT', 'Give SLOT its own code back'),
      set: listFlag('NAME=VALUE', 'Value of a global variable or constant of what is put in'),
      via: {
        kind: 'enum',
        values: VIAS,
        optional: true,
        brief: 'How code gets into slots (what kernel and slots allow)',
      },
      fresh: { ...off, brief: 'Keep no maps and variables of what is replaced' },
      explain: { ...off, brief: 'Say why it is done in this way, and what became of every map' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'As JSON' },
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'Name of the attachment, then what goes where',
        parse: String,
        placeholder: 'NAME|SLOT=FILE[:PROGRAM]',
      },
    },
  },
  async func(flags, name, ...assignments) {
    await guarded(this, flags.json, () => {
      const change = readChange(flags, assignments);
      const sys = openSys();
      const store = openStore(this, flags, sys);
      const { replaced, entry } = store.locked(() => {
        const found = requireHook(store, name);
        const done = changeSlots(store, found, flags, change);
        return { replaced: done, entry: requireHook(store, name) };
      });
      if (flags.json) printJson(this, { ok: true, ...replacedJson(replaced), entry: entryJson(entry) });
      else print(this, formatReplaced(name, replaced, flags.explain));
    });
  },
});

function requireHook(store: Store, name: string): StoreEntry {
  requireEntry(store, 'hook', name);
  const entry = store.find('hook', name);
  if (entry === undefined) throw usageError('store-no-entry', `${quote(name)} is gone`);
  return entry;
}

/** Each file is read once, and is one component wherever it goes. */
function readChange(flags: Flags, assignments: readonly string[]) {
  const fill = assignments.map(parseAssignment);
  const order = flags.order === undefined ? [] : words(flags.order).map(parseComponent);
  const paths = [...new Set([...fill, ...order].map(({ file }) => file))];
  const inputs = readInputs(paths);
  const files = new Map(paths.map((path, at) => [path, inputs[at]] as const));
  const componentOf = ({ file: path, program }: NamedComponent) => {
    const file = files.get(path);
    if (file === undefined) throw usageError('usage-no-input', `${quote(path)} was not read`);
    return { file, ...(program === undefined ? {} : { program }) };
  };
  return {
    fill: fill.map(one => ({ slot: one.slot, ...componentOf(one) })),
    reset: flags.reset ?? [],
    ...(flags.order === undefined ? {} : { order: order.map(componentOf) }),
  };
}

function changeSlots(
  store: Store,
  entry: StoreEntry,
  flags: Flags,
  change: ReturnType<typeof readChange>,
): Replaced {
  const hook = openHook(store, entry);
  try {
    const { program } = hookFacts(entry);
    using rootlet = openRootlet({
      store,
      entry,
      hook,
      program,
      options: { kernelTypes: openKernelTypes(store.sys), pinRoot: bpffsMountOf(store.root) },
      describe: generation => describeGeneration(entry, generation),
      time: now(),
    });
    return rootlet.change(change, {
      fresh: flags.fresh,
      ...(flags.via === undefined ? {} : { via: flags.via }),
      ...(flags.set === undefined ? {} : { globals: parseSettings(flags.set) }),
    });
  } finally {
    hook.close();
  }
}

/** What other commands read in the record. */
function describeGeneration(entry: StoreEntry, generation: Generation): JsonObject {
  const { attach, variables } = entry.record.data;
  const { host } = generation;
  return {
    attach: { ...fieldsOf(attach), program: generation.main },
    variables: host === undefined ? fieldsOf(variables) : variablesOf(host),
  };
}

// --- saying what was done -----------------------------------------------------------------------------------------

function replacedJson({ slots, choice, state }: Replaced): Record<string, unknown> {
  return {
    via: choice.via,
    reason: choice.reason,
    slots: slots.map(({ slot, fill }) => ({
      slot,
      file: fill?.file.name ?? null,
      program: fill?.program ?? null,
      instance: fill?.instance ?? null,
    })),
    state: [...state].map(([map, one]) => ({ map, ...stateJson(one) })),
  };
}

function stateJson(one: Inheritance): Record<string, unknown> {
  switch (one.kind) {
    case 'same':
    case 'constants':
      return { kind: one.kind };
    case 'copied':
      return { kind: one.kind, variables: one.variables.map(({ name }) => name), lost: one.lost };
    case 'new':
      return { kind: one.kind, reason: one.reason };
  }
}

function formatReplaced(name: string, { slots, choice, state }: Replaced, explain: boolean): string {
  const rows = slots.map(({ slot, fill }) => [slot, describeFill({ slot, fill })]);
  const lines = [`${name} (${choice.via}${explain ? `: ${choice.reason}` : ''})`, table(rows, '  ')];
  for (const [map, one] of state) {
    if (one.kind === 'copied' && one.lost.length > 0)
      lines.push(`not kept: ${one.lost.join(', ')} in ${map}: another type, or gone`);
    else if (explain) lines.push(`${map}: ${describeState(one)}`);
    else if (one.kind === 'new' && one.differs === true) lines.push(`not kept: ${map}: ${one.reason}`);
  }
  return lines.join('\n');
}

function describeFill({ fill }: SlotState): string {
  if (fill === null) return 'its own code';
  const program = fill.program === undefined ? '' : `:${fill.program}`;
  const instance = fill.instance === undefined ? '' : ` (${fill.instance})`;
  return `${fill.file.name}${program}${instance}`;
}

function describeState(one: Inheritance): string {
  switch (one.kind) {
    case 'same':
      return 'kept';
    case 'constants':
      return 'constants as they were';
    case 'copied':
      return `values kept: ${one.variables.map(variable => variable.name).join(', ')}`;
    case 'new':
      return `new: ${one.reason}`;
  }
}
