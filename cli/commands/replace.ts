/** `rootlet replace`: replaces the code of an entry, or of its slots, and keeps the state. */

import { buildCommand } from '@stricli/core';
import { given } from '../../src/bytes/index.ts';
import { EXIT, type Limits, quote, usageError } from '../../src/diag/index.ts';
import {
  BINDING_BACK_ENDS,
  type BindingBackEnd,
  type ReplaceRequest,
  replace,
  SLOT_BACK_ENDS,
  type SlotBackEnd,
  type SlotChange,
} from '../../src/dynamic/index.ts';
import { openSys, type Sys } from '../../src/kernel/index.ts';
import type { EntryKind, Store } from '../../src/store/index.ts';
import { BIND_FLAGS, type BindFlags, bindWaiting, NONE_WAITING, storeOptionsOf } from '../flags/binding.ts';
import { type NamedComponent, parseAssignment, parseComponent, words } from '../flags/components.ts';
import { listFlag } from '../flags/edit.ts';
import { LOAD_LIMITS, parseLimits } from '../flags/limits.ts';
import {
  explainingValues,
  LOAD_FLAGS,
  type LoadFlags,
  loadOptionsOf,
  now,
  openStore,
  readVersion,
  requireReplaceable,
  STORE_FLAGS,
  type StoreFlags,
} from '../flags/loading.ts';
import { loadOptimizeFlags } from '../flags/optimize.ts';
import { parseTypes } from '../flags/types.ts';
import { formatReplaced, isRefused, notesOf, replacedJson } from '../format/replaced.ts';
import { type Context, guarded, print, printJson, printLine, tellNotes } from '../io/context.ts';
import { readObjectFiles } from '../io/files.ts';
import { withVerifierLog } from '../io/verifier-log.ts';

interface Flags extends LoadFlags, StoreFlags, Omit<BindFlags, 'via' | 'explain'> {
  readonly order?: string;
  readonly reset?: readonly string[];
  readonly slots?: SlotBackEnd | 'auto';
  readonly via?: BindingBackEnd | SlotBackEnd | 'auto';
  readonly fresh?: readonly string[];
  readonly force: boolean;
  readonly all: boolean;
  readonly explain: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const off = { kind: 'boolean', default: false } as const;
const SLOT_CHOICES = ['auto', ...SLOT_BACK_ENDS] as const;
const BACK_END_CHOICES: readonly (BindingBackEnd | SlotBackEnd | 'auto')[] = [
  'auto',
  ...new Set([...BINDING_BACK_ENDS, ...SLOT_BACK_ENDS]),
];

export const replaceCommand = buildCommand<Flags, [string, ...string[]], Context>({
  docs: {
    brief: 'Replace what runs: a program, an object, or slots',
    fullDescription:
      'NAME FILE replaces NAME with a new version: an attached program, a rootlet (its components stay in their slots), ' +
      'or a loaded object (its consumers are rebound to the new version). NAME SLOT=FILE fills slots; the slots of a ' +
      'rootlet are its global functions, and its program itself. Each packet is processed by the old code or by the ' +
      'new code, never by a mix. Maps, variables and settings are kept where they agree; everything that is not kept is ' +
      'listed. If the new version does not fit, or if the kernel refuses it, nothing changes. NAME alone lists the slots.',
  },
  parameters: {
    flags: {
      order: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Fill the remaining slots, in order, with these components',
        placeholder: 'FILE[:PROGRAM],...',
      },
      reset: listFlag('SLOT', 'Empty SLOT: it runs its own code again'),
      ...LOAD_FLAGS,
      ...loadOptimizeFlags('as it is; slots that are linked: at first -O1'),
      set: listFlag(
        '[COMPONENT:]NAME=VALUE',
        'Set a variable or constant of the new code; the setting persists',
      ),
      maxEntries: listFlag(
        '[COMPONENT:]MAP=N',
        'Override max_entries of a map of the new code; the setting persists',
      ),
      fresh: listFlag(
        'NAME,…',
        'Reset components, maps, sections or variables to their initial contents (*: all)',
      ),
      against: BIND_FLAGS.against,
      bind: BIND_FLAGS.bind,
      lazy: BIND_FLAGS.lazy,
      slots: {
        kind: 'enum',
        values: SLOT_CHOICES,
        optional: true,
        brief: 'Back end that fills the slots from now on (auto: chosen for each change)',
      },
      via: {
        kind: 'enum',
        values: BACK_END_CHOICES,
        optional: true,
        brief: 'Back end that binds externs from now on; for a rootlet, the same as --slots',
      },
      force: { ...off, brief: 'Replace the program on the hook even if another process changed it' },
      all: { ...off, brief: 'Also list new maps and constants' },
      explain: { ...off, hidden: true, brief: 'Same as --all' },
      dryRun: { ...off, brief: 'Print what would be done, and change nothing' },
      ...STORE_FLAGS,
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { O: 'optimize' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        brief: 'Name of the entry (hooks/NAME or objects/NAME if both exist), then the new code',
        parse: String,
        placeholder: 'NAME|FILE[:PROGRAM]|SLOT=FILE[:PROGRAM]',
      },
    },
  },
  async func(flags, target, ...rest) {
    await guarded(this, flags.json, () => {
      const sys = openSys({ requireRights: !flags.dryRun });
      const store = openStore(this, flags, sys);
      const request = requestOf(sys, store, flags, rest);
      const { outcome, waiting } = replaceAndBind(store, entryNamed(store, target), request);
      if (isRefused(outcome)) this.process.exitCode = EXIT.platform;
      if (flags.json) {
        const { dryRun } = flags;
        printJson(this, { ok: !isRefused(outcome), dryRun, ...replacedJson(outcome, waiting) });
        return;
      }
      tellNotes(this, [...notesOf(outcome), ...waiting.notes]);
      print(
        this,
        formatReplaced(outcome, { dryRun: flags.dryRun, all: flags.all || flags.explain || flags.dryRun }),
      );
      for (const line of waiting.done) printLine(this, line);
    });
  },
});

interface Target {
  readonly kind: EntryKind;
  readonly name: string;
}

/** Externs that wait for a loaded object are bound to its new version, as to an object that is loaded first. */
function replaceAndBind(store: Store, { kind, name }: Target, request: ReplaceRequest) {
  const change = () => explainingValues(() => replace(store, kind, name, request));
  if (kind === 'hook' || request.dryRun === true) return { outcome: change(), waiting: NONE_WAITING };
  return store.locked(() => {
    const outcome = change();
    return { outcome, waiting: bindWaiting(store, name) };
  });
}

/** `NAME`, or `hooks/NAME` and `objects/NAME` where an attachment and an object have one name. */
function entryNamed(store: Store, target: string): Target {
  const [, directory, rest] = /^(hooks|objects)\/(.+)$/s.exec(target) ?? [];
  if (rest !== undefined) return { kind: directory === 'hooks' ? 'hook' : 'object', name: rest };
  return { kind: requireReplaceable(store, target), name: target };
}

function requestOf(sys: Sys, store: Store, flags: Flags, rest: readonly string[]): ReplaceRequest {
  const assignments = rest.filter(isAssignment);
  const files = rest.filter(word => !isAssignment(word));
  const limits = parseLimits(flags, LOAD_LIMITS);
  const slots = slotChange(flags, assignments, limits);
  const { slots: slotsVia, via, against, bind, lazy } = flags;
  const binding = storeOptionsOf({ ...given({ against, bind }), lazy, explain: false });
  return {
    ...(files.length === 0 ? {} : { version: versionOf(files, limits) }),
    ...given({ slots, fresh: flags.fresh?.flatMap(words), slotsVia, via }),
    options: { ...loadOptionsOf(sys, store.root, flags, undefined), types: parseTypes(flags.type) },
    binding: bind === undefined ? withoutBind(binding) : binding,
    logged: load => withVerifierLog(flags.verifierLog, load),
    forAttached: forAttached(flags),
    force: flags.force,
    dryRun: flags.dryRun,
    time: now(),
  };
}

/** Options that loading an attached program takes, and changing slots does not. */
function forAttached({ map, verifierLog, against, bind, lazy }: Flags): string[] {
  return [
    ...(map === undefined ? [] : ['--map']),
    ...(verifierLog === undefined ? [] : ['--verifier-log']),
    ...(against === undefined ? [] : ['--against']),
    ...(bind === undefined ? [] : ['--bind']),
    ...(lazy ? ['--lazy'] : []),
  ];
}

/** What was bound explicitly stays so, unless it is given again. */
function withoutBind<T extends { readonly bind?: unknown }>({ bind: _bind, ...binding }: T) {
  return binding;
}

/** A slot is a name in C, so that a path with `=` in it is not taken for an assignment. */
function isAssignment(word: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*=/.test(word);
}

/** The last file may name its program. */
function versionOf(
  files: readonly string[],
  limits: Limits | undefined,
): NonNullable<ReplaceRequest['version']> {
  const parsed = files.map(parseComponent);
  const named = parsed.flatMap(({ program }) => program ?? []);
  const [program, other] = named;
  if (program !== undefined && other !== undefined)
    throw usageError('usage-program', `${quote(program)} and ${quote(other)}: only one program can be named`);
  const input = readVersion(
    parsed.map(({ file }) => file),
    limits,
  );
  return { input, ...given({ program }) };
}

/** Each file is read once, and is one component wherever it goes. */
function slotChange(
  flags: Flags,
  assignments: readonly string[],
  limits: Limits | undefined,
): Omit<SlotChange, 'rootlet' | 'program'> | undefined {
  if (assignments.length === 0 && flags.order === undefined && flags.reset === undefined) return undefined;
  const fill = assignments.map(parseAssignment);
  const order = flags.order === undefined ? undefined : words(flags.order).map(parseComponent);
  const paths = [...fill, ...(order ?? [])].map(({ file }) => file);
  const inputs = readObjectFiles(paths, limits);
  const files = new Map(paths.map((path, at) => [path, inputs[at]]));
  const componentOf = ({ file: path, program }: NamedComponent) => {
    const file = files.get(path);
    if (file === undefined) throw usageError('usage-no-input', `${quote(path)} was not read`);
    return { file, ...given({ program }) };
  };
  return {
    fill: fill.map(one => ({ slot: one.slot, ...componentOf(one) })),
    reset: (flags.reset ?? []).flatMap(words),
    ...given({ order: order?.map(componentOf) }),
  };
}
