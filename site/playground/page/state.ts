/** What the user has chosen. The page shows it; changes go through `change`. */

import type { Choice, FileView, GivenFile, LinkRequest } from '../messages.ts';

export type Mode = LinkRequest['kind'];

export interface State {
  readonly files: readonly GivenFile[];
  readonly views: readonly FileView[];
  readonly mode: Mode;
  /** File of the rootlet. */
  readonly rootlet: string | null;
  /** By slot; a slot that is not here keeps its own function. */
  readonly slots: ReadonlyMap<string, Choice>;
  readonly members: readonly Choice[];
  /** Files that are left out of a static link. */
  readonly without: ReadonlySet<string>;
}

export const EMPTY: State = {
  files: [],
  views: [],
  mode: 'relink',
  rootlet: null,
  slots: new Map(),
  members: [],
  without: new Set(),
};

/** All programs of files that can be read. */
export function choicesOf({ views }: Pick<State, 'views'>): Choice[] {
  return views.flatMap(({ name, programs }) =>
    programs.map(program => ({ file: name, program: program.name })),
  );
}

/** Slots of the rootlet. */
export function slotsOf({ views, rootlet }: State): readonly string[] {
  return views.find(({ name }) => name === rootlet)?.slots ?? [];
}

/** Null where something has to be chosen first. */
export function requestOf(state: State): LinkRequest | null {
  const { mode, rootlet, slots, members, views, without } = state;
  if (mode === 'chain') return members.length === 0 ? null : { kind: 'chain', members };
  if (mode === 'link') {
    const files = views.map(({ name }) => name).filter(name => !without.has(name));
    return files.length === 0 ? null : { kind: 'link', files };
  }
  if (rootlet === null) return null;
  const filled = slotsOf(state).flatMap(slot => {
    const choice = slots.get(slot);
    return choice === undefined ? [] : [{ slot, ...choice }];
  });
  return { kind: 'relink', rootlet, slots: filled };
}

/** The command that does the same. */
export function commandOf(request: LinkRequest): string {
  const words =
    request.kind === 'link'
      ? ['link', ...request.files, '-o linked.o']
      : request.kind === 'chain'
        ? ['relink --chain', ...request.members.map(wordOf), '-o chain.o']
        : [
            'relink',
            request.rootlet,
            ...request.slots.map(({ slot, ...choice }) => `${slot}=${wordOf(choice)}`),
            '-o relinked.o',
          ];
  return `rootlet ${words.join(' ')}`;
}

export function wordOf({ file, program }: Choice): string {
  return `${file}:${program}`;
}

/** After files came or went: what is no longer there is not chosen. */
export function withViews(state: State, views: readonly FileView[]): State {
  const words = new Set(choicesOf({ views }).map(wordOf));
  const isThere = (choice: Choice): boolean => words.has(wordOf(choice));
  const rootlets = views.filter(({ slots, programs }) => slots.length > 0 && programs.length > 0);
  const isKept = views.some(({ name }) => name === state.rootlet);
  return {
    ...state,
    views,
    rootlet: isKept ? state.rootlet : (rootlets[0]?.name ?? null),
    slots: new Map([...state.slots].filter(([, choice]) => isThere(choice))),
    members: state.members.filter(isThere),
    without: new Set([...state.without].filter(name => views.some(view => view.name === name))),
  };
}
