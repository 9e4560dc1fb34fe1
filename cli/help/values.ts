/**
 * Values that completion offers: names of entries, slots, members, interfaces, programs of a file. Nothing here fails:
 * what cannot be read now is not offered.
 */

import { readdirSync } from 'node:fs';
import { listChains } from '../../src/chain/index.ts';
import { RootletError } from '../../src/diag/index.ts';
import { inputOf, itemNames } from '../../src/dynamic/index.ts';
import { HOOK_KINDS } from '../../src/hooks/index.ts';
import { openSys } from '../../src/kernel/index.ts';
import { slotsOf } from '../../src/link/index.ts';
import { type BpfObject, programsOf, readObject } from '../../src/object/index.ts';
import type { Store } from '../../src/store/index.ts';
import { openStore } from '../flags/loading.ts';
import type { Context } from '../io/context.ts';
import { readInput } from '../io/files.ts';
import type { Completion, Paths, ValueQuery, ValueSource } from './complete.ts';

const INTERFACES = '/sys/class/net';

/** Words of options whose values are among a few. */
const WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['LEVEL', ['0', '1']],
  ['SCOPE', ['all', 'single', 'members', 'none']],
  ['MODE', ['native', 'skb', 'hw', 'unspecified']],
  ['SHELL', ['bash', 'zsh', 'fish']],
]);

/** Commands whose argument is the name of an entry. */
const OF_ENTRIES = ['unload', 'detach', 'replace'];

export function valuesOf(context: Context): ValueSource {
  return query => {
    const kind = query.placeholder;
    const words = WORDS.get(kind);
    if (words !== undefined) return among(query, words);
    if (kind === 'KIND')
      return among(
        query,
        HOOK_KINDS.map(({ name }) => name),
      );
    if (kind === 'TARGET') return target(query);
    if (/^IFACE/.test(kind)) return among(query, interfaces());
    const isItem = query.given.length === 0 || query.command === 'set'; // then a key and a value
    if (query.option === undefined && isItem && /^NAME[.[]/.test(kind))
      return among(query, items(context, query));
    if (query.option === undefined && OF_ENTRIES.includes(query.command)) return entryValue(context, query);
    if (/^(xdp|tc) /.test(query.command) && /^NAME/.test(kind)) return members(context, query);
    if (query.option === 'progName') return among(query, query.given.flatMap(programsIn));
    if (query.command === 'relink' && query.option === undefined) return slotValue(query);
    return path(query);
  };
}

function among({ start }: ValueQuery, words: readonly string[], paths: Paths = 'none'): Completion {
  const candidates = words.filter(word => word.startsWith(start)).map(word => ({ word, text: '' }));
  return { candidates, paths };
}

/** A file or directory; after a colon the programs of the file. */
function path(query: ValueQuery): Completion {
  const { placeholder, start } = query;
  if (/^\[?DIR/.test(placeholder)) return { candidates: [], paths: 'directories' };
  if (!/FILE|OUT|PCAP|IN\b|PIN/.test(placeholder)) return { candidates: [], paths: 'none' };
  const colon = start.lastIndexOf(':');
  if (colon <= 0 || !placeholder.includes('PROGRAM')) return { candidates: [], paths: 'files' };
  return programs(query, colon);
}

function programs(query: ValueQuery, colon: number): Completion {
  const lead = query.start.slice(0, colon + 1);
  const file = query.start.slice(query.start.indexOf('=') + 1, colon);
  return among(
    query,
    programsIn(file).map(name => `${lead}${name}`),
  );
}

/** The first argument of `relink` is the rootlet; the others fill its slots. */
function slotValue(query: ValueQuery): Completion {
  const [rootlet] = query.given;
  return rootlet === undefined
    ? { candidates: [], paths: 'files' }
    : fill(
        query,
        slotsIn(() => readObject(readInput(rootlet))),
      );
}

/** `SLOT=`, and after it a file with a program of it. */
function fill(query: ValueQuery, slots: readonly string[]): Completion {
  const { start } = query;
  const colon = start.lastIndexOf(':');
  if (start.includes('='))
    return colon > start.indexOf('=') ? programs(query, colon) : { candidates: [], paths: 'files' };
  return among(
    query,
    slots.map(slot => `${slot}=`),
    'files',
  );
}

function target(query: ValueQuery): Completion {
  const [kind] = query.given;
  const isInterface = kind === 'xdp' || kind === 'tc' || kind === 'tcx' || kind === 'netkit';
  return isInterface ? among(query, interfaces()) : { candidates: [], paths: 'files' };
}

function interfaces(): string[] {
  try {
    return readdirSync(INTERFACES);
  } catch {
    return [];
  }
}

function entryValue(context: Context, query: ValueQuery): Completion {
  const [name] = query.given;
  if (name === undefined || query.command !== 'replace')
    return among(query, withStore(context, entryNames), 'none');
  return fill(
    query,
    withStore(context, store => slotsOfEntry(store, name)),
  );
}

function entryNames(store: Store): string[] {
  return [...new Set(store.list().map(({ name }) => name))].sort();
}

/** Entries; after a dot the maps and variables of one. */
function items(context: Context, { start, placeholder }: ValueQuery): readonly string[] {
  if (!start.includes('.')) {
    const ending = placeholder.startsWith('NAME.') ? '.' : '';
    return withStore(context, entryNames).map(name => `${name}${ending}`);
  }
  return withStore(context, store => itemNames(store, start));
}

function slotsOfEntry(store: Store, name: string): readonly string[] {
  return store
    .list()
    .flatMap(entry =>
      entry.name === name && entry.kind !== 'broken' ? slotsIn(() => inputOf(store, entry).object) : [],
    );
}

function members(context: Context, query: ValueQuery): Completion {
  const [kind] = query.command.split(' ');
  const names = withStore(context, (store, sys) =>
    listChains({ sys, store, time: 0 }, kind === 'xdp' ? 'xdp' : 'tc')
      .filter(({ hook }) => hook.interface === query.given[0])
      .flatMap(chain => chain.members.map(({ name }) => name)),
  );
  return among(query, names);
}

type KernelSys = ReturnType<typeof openSys>;

function withStore(
  context: Context,
  read: (store: Store, sys: KernelSys) => readonly string[],
): readonly string[] {
  return quietly(() => {
    const sys = openSys({ requireRights: false });
    return read(openStore(context, {}, sys), sys);
  });
}

function programsIn(file: string): readonly string[] {
  return quietly(() => programsOf(readObject(readInput(file))).map(({ program }) => program.name));
}

function slotsIn(read: () => BpfObject): readonly string[] {
  return quietly(() => slotsOf(read()).map(({ name }) => name));
}

function quietly(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof RootletError) return [];
    throw error;
  }
}
