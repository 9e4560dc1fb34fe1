/**
 * Names of entries, maps, variables and parts of variables on the command line: `edge`, `edge.rules`, `edge.cfg.limit`,
 * `edge.firewall:table[3]`. Names of entries may contain dots, so that every reading is tried.
 */

import { available, didYouMean, quote, quoteAll, RootletError, usageError } from '../../diag/index.ts';
import { type BrokenEntry, describeEntry, type Store, type StoreEntry } from '../../store/index.ts';
import { type EntryItem, type EntryMap, EntryView, namesOf } from './view.ts';

/** A member or an element of a variable. */
export type Step = string | number;

/** What a name is of. */
export interface NamedItem {
  readonly view: EntryView;
  /** Undefined for the entry itself. */
  readonly item: EntryItem | undefined;
  /** The part of a variable; empty for all of it. */
  readonly path: readonly Step[];
}

/** A reading of a name: the entry, and what follows it. */
interface Reading {
  readonly entry: StoreEntry | BrokenEntry;
  /** '' for the entry itself. */
  readonly rest: string;
}

/**
 * What `text` names, with its entry opened; `use` has it until it returns. Throws `store-no-entry`, `value-unknown`,
 * `value-ambiguous`, and what is wrong with the entry.
 */
export function withNamed<T>(store: Store, text: string, use: (found: NamedItem) => T): T {
  return withViews(views => use(find(store, text, views)));
}

/** Closes what `use` opens. */
export function withViews<T>(use: (views: EntryView[]) => T): T {
  const views: EntryView[] = [];
  try {
    return use(views);
  } finally {
    for (const view of views) view.close();
  }
}

/** The same as `withNamed` for a map. Throws `value-unknown` for anything else. */
export function withNamedMap<T>(store: Store, text: string, use: (view: EntryView, map: EntryMap) => T): T {
  return withNamed(store, text, found => use(found.view, requireMap(text, found)));
}

/** What is named, which has to be a map. Throws `value-unknown`. */
export function requireMap(text: string, { view, item }: NamedItem): EntryMap {
  if (item?.kind === 'map') return item;
  const maps = view.maps.map(({ name }) => name);
  throw usageError('value-unknown', `${quote(text)} is not a map`, {
    hint:
      item === undefined
        ? available('NAME.MAP, where MAP is one of', maps)
        : `"rootlet set ${text}=VALUE" changes a variable`,
  });
}

/** The same; what is opened is put into `views`, one for each entry, and is the caller's. */
export function find(store: Store, text: string, views: EntryView[]): NamedItem {
  const readings = readingsOf(store, text);
  const found = readings.flatMap(reading => matchesOf(store, reading, views));
  const exact = found.filter(({ path }) => path.length === 0);
  const [only, other] = exact.length > 0 ? exact : found;
  if (only === undefined) throw unknown(store, text, readings, views);
  if (other !== undefined) throw ambiguous(text, exact.length > 0 ? exact : found);
  return only;
}

function readingsOf(store: Store, text: string): Reading[] {
  return store.list().flatMap(entry => {
    const kind = entry.kind === 'broken' ? entry.entryKind : entry.kind;
    return [entry.name, `${kind}s/${entry.name}`].flatMap((name): Reading[] => {
      if (text === name) return [{ entry, rest: '' }];
      return text.startsWith(`${name}.`) ? [{ entry, rest: text.slice(name.length + 1) }] : [];
    });
  });
}

function matchesOf(store: Store, { entry, rest }: Reading, views: EntryView[]): NamedItem[] {
  if (entry.kind === 'broken') throw new RootletError(entry.problems);
  const view = viewOf(store, entry, views);
  if (rest === '') return [{ view, item: undefined, path: [] }];
  return [...view.maps, ...view.variables].flatMap((item): NamedItem[] => {
    const paths = namesOf(item).flatMap(name => {
      const path = rest.startsWith(name) ? pathOf(rest.slice(name.length)) : undefined;
      return path === undefined || (path.length > 0 && item.kind === 'map') ? [] : [path];
    });
    const [path] = paths;
    return path === undefined ? [] : [{ view, item, path }];
  });
}

function viewOf(store: Store, entry: StoreEntry, views: EntryView[]): EntryView {
  const known = views.find(view => view.entry.kind === entry.kind && view.entry.name === entry.name);
  if (known !== undefined) return known;
  const view = EntryView.open(store, entry);
  views.push(view);
  return view;
}

const STEP = /\.([A-Za-z_]\w*)|\[(\d{1,15}|0[xX][0-9a-fA-F]{1,13})\]/y;

/** `.limit[3]` as its steps; undefined for what is not a path. */
export function pathOf(text: string): Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < text.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const match = STEP.exec(text);
    if (match === null) return undefined;
    const [, member, index] = match;
    steps.push(member ?? Number(index));
  }
  return steps;
}

/** `.limit[3]` */
export function pathText(path: readonly Step[]): string {
  return path.map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
}

/** Full names of what the entries have that `start` may be the beginning of a name of. */
export function itemNames(store: Store, start: string): string[] {
  return store.list().flatMap(entry => {
    if (entry.kind === 'broken' || !start.startsWith(`${entry.name}.`)) return [];
    using view = EntryView.open(store, entry);
    return [...view.maps, ...view.variables].map(({ name }) => `${entry.name}.${name}`);
  });
}

// --- problems -----------------------------------------------------------------------------------------------------

function unknown(store: Store, text: string, readings: readonly Reading[], views: readonly EntryView[]) {
  const [reading] = readings.toSorted((a, b) => a.rest.length - b.rest.length);
  if (reading === undefined) return noEntry(store, text);
  const { entry, rest } = reading;
  const view = views.find(one => one.entry.name === entry.name && one.entry.kind === entry.kind);
  const names = view === undefined ? [] : [...view.maps, ...view.variables].map(({ name }) => name);
  return usageError('value-unknown', `${describeEntry(entry)} has no map or variable ${quote(rest)}`, {
    ...didYouMean(rest.replace(/[[.].*$/, ''), names, available('it has', names)),
  });
}

function noEntry(store: Store, text: string) {
  const names = store.list().map(({ name }) => name);
  const [first = ''] = text.split('.');
  return usageError('store-no-entry', `there is no attachment or loaded object ${quote(first)}`, {
    ...didYouMean(
      first,
      names,
      names.length === 0 ? 'nothing is loaded (rootlet ps)' : available('there are', names),
    ),
  });
}

function ambiguous(text: string, found: readonly NamedItem[]) {
  const names = found.map(({ view, item, path }) => {
    const { kind, name } = view.entry;
    return `${kind}s/${name}${item === undefined ? '' : `.${item.name}`}${pathText(path)}`;
  });
  return usageError('value-ambiguous', `${quote(text)} can be ${quoteAll(names)}`, {
    hint: `give one of these names in full`,
  });
}
