/** `rootlet ps`: lists kernel objects with their owners. */

import { buildCommand } from '@stricli/core';
import { RootletError } from '../../src/diag/index.ts';
import { type Binding, bindingsIn, describePin, hasPendingChange } from '../../src/dynamic/index.ts';
import { entryLinkState, recordedState } from '../../src/hooks/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import {
  type BrokenEntry,
  describeEntry,
  type Store,
  type StoreEntry,
  takeCensus,
} from '../../src/store/index.ts';
import { off } from '../flags/kinds.ts';
import { openStore, STORE_FLAGS, type StoreFlags } from '../flags/loading.ts';
import { entryJson, formatBroken } from '../format/entry.ts';
import { type Lookup, ownerText, type Row, rowsOfCensus, rowsOfEntry, sizesOf } from '../format/inventory.ts';
import { table } from '../format/table.ts';
import {
  type Context,
  guarded,
  print,
  printJson,
  printLine,
  tell,
  tellNotes,
  tellProblem,
} from '../io/context.ts';

interface Flags extends StoreFlags {
  readonly all: boolean;
  readonly bindings: boolean;
  readonly json: boolean;
}

const NOT_VISIBLE =
  'objects without a pin that this user may open are not visible: CAP_SYS_ADMIN is needed to list all';
const UNFINISHED =
  'its last change is not complete: unless a command makes it now, "rootlet doctor --fix" or the next change completes it';

export const psCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: 'List loaded programs, maps and attachments',
    fullDescription:
      'List what "rootlet load" and "rootlet attach" keep in the kernel; with --all, everything in the kernel.',
  },
  parameters: {
    flags: {
      all: { ...off, brief: 'List everything in the kernel, with the processes and pins that hold it' },
      bindings: { ...off, brief: 'List bindings between consumers and providers' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    positional: { kind: 'tuple', parameters: [] },
  },
  async func(flags) {
    await guarded(this, flags.json, () => {
      const sys = openSys({ requireRights: false });
      const store = openStore(this, flags, sys);
      const entries = store.list();
      const sound = entries.filter((entry): entry is StoreEntry => entry.kind !== 'broken');
      const broken = entries.filter((entry): entry is BrokenEntry => entry.kind === 'broken');
      if (flags.bindings) {
        reportBindings(this, flags, sound, broken);
        return;
      }
      const census = flags.all ? takeCensus(sys) : undefined;
      const rows =
        census === undefined
          ? sound.flatMap(entry => rowsOfEntry(entry, lookupIn(store)))
          : rowsOfCensus(census, store.root, sound);
      const notes = [...(census?.complete === false ? [NOT_VISIBLE] : []), ...unfinishedNotes(sound)];
      const unknown = store.unknown();
      if (flags.json) printJson(this, { ok: true, rows, entries: entries.map(entryJson), unknown, notes });
      else report(this, flags, store, rows, broken);
      if (!flags.json) tellNotes(this, notes);
      if (!flags.json) for (const problem of unknown) tellProblem(this, problem);
    });
  },
});

/** Entries whose last change was not completed: a step failed after the switch, or the process was killed. */
function unfinishedNotes(entries: readonly StoreEntry[]): string[] {
  return entries.flatMap(entry =>
    hasPendingChange(entry) ? [`${describeEntry(entry)}: ${UNFINISHED}`] : [],
  );
}

function reportBindings(
  context: Context,
  flags: Flags,
  entries: readonly StoreEntry[],
  broken: readonly BrokenEntry[],
): void {
  const rows = entries.flatMap(entry =>
    bindingsIn(entry).map(binding => ({
      consumer: entry.name,
      consumerKind: entry.kind,
      ...binding,
    })),
  );
  if (flags.json) {
    printJson(context, { ok: true, bindings: rows });
    return;
  }
  for (const entry of broken) tell(context, formatBroken(entry));
  if (rows.length === 0) printLine(context, 'nothing is bound');
  else print(context, table([['consumer', 'extern', 'provider', 'how', ''], ...rows.map(bindingCells)]));
}

function bindingCells(row: Binding & { readonly consumerKind: string; readonly consumer: string }): string[] {
  const { consumerKind, consumer, extern, of, provider, target, via, reason } = row;
  return [
    `${consumerKind} ${consumer}`,
    of === '' ? extern : `${extern} (of ${of})`,
    provider === '' ? '-' : `${provider}:${target}`,
    provider === '' ? 'open' : via === 'share' ? 'in place' : via,
    reason,
  ];
}

function report(
  context: Context,
  flags: Flags,
  store: Store,
  rows: readonly Row[],
  broken: readonly BrokenEntry[],
): void {
  for (const entry of broken) tell(context, formatBroken(entry));
  if (rows.length === 0) {
    if (broken.length > 0) return;
    printLine(
      context,
      flags.all
        ? 'nothing is loaded'
        : `nothing is loaded (${store.root}); --all shows what others have loaded`,
    );
    return;
  }
  const cells = rows.map(({ kind, id, name, type, owners, detail }) => [
    kind,
    id === null ? '-' : String(id),
    name === '' ? '-' : describePin(name),
    type,
    owners.length === 0 ? '-' : owners.map(ownerText).join(', '),
    detail,
  ]);
  print(context, table([['kind', 'id', 'name', 'type', 'owner', ''], ...cells], '', [1]));
}

/** Kernel info of the objects in records. */
function lookupIn(store: Store): Lookup {
  return {
    map: (entry, name) => describeMap(store, entry, name),
    link: (entry, name) => entryLinkState(store, entry, name),
    recorded: entry => recordedState(store, entry),
  };
}

/** Opened by its pin, which needs no right to look for ids. */
function describeMap(store: Store, entry: StoreEntry, name: string): ReturnType<Lookup['map']> {
  try {
    using map = store.openMap(entry, name);
    return { type: map.type, detail: sizesOf(map.info()) };
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}
