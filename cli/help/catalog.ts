/** All commands with their pages, for what lists them: help of everything, completion, manual pages. */

import type { Command, CommandContext, RouteMap } from '@stricli/core';
import { type GroupPage, type Page, pageOf } from './page.ts';

type Route = Command<CommandContext> | RouteMap<CommandContext>;

export type CatalogEntry =
  | { readonly kind: 'command'; readonly name: string; readonly brief: string; readonly page: Page }
  | { readonly kind: 'group'; readonly name: string; readonly brief: string; readonly group: GroupPage };

/** In the order of the command line. */
export type Catalog = readonly CatalogEntry[];

export function catalogOf(routes: Readonly<Record<string, Route>>): Catalog {
  return Object.entries(routes).map(([name, route]) => entryOf(name, route));
}

function entryOf(name: string, route: Route): CatalogEntry {
  const { brief } = route;
  return isGroup(route)
    ? { kind: 'group', name, brief, group: groupPageOf(name, route) }
    : { kind: 'command', name, brief, page: pageOf(name, route) };
}

function isGroup(route: Route): route is RouteMap<CommandContext> {
  return 'getAllEntries' in route;
}

export function groupPageOf(name: string, routes: RouteMap<CommandContext>): GroupPage {
  const { brief, fullDescription } = routes;
  const commands = routes
    .getAllEntries()
    .flatMap(({ name: { original }, target }) =>
      isGroup(target) ? [] : [pageOf(`${name} ${original}`, target)],
    );
  return { command: name, brief, description: fullDescription ?? `${brief}.`, commands };
}

/** What the words name, and the words after that. */
export function findPage(
  catalog: Catalog,
  [name, ...rest]: readonly string[],
):
  | { readonly entry: CatalogEntry; readonly page: Page | undefined; readonly rest: readonly string[] }
  | undefined {
  const entry = catalog.find(one => one.name === name);
  if (entry === undefined) return undefined;
  if (entry.kind === 'command') return { entry, page: entry.page, rest };
  const page = entry.group.commands.find(({ command }) => command === [name, ...rest.slice(0, 1)].join(' '));
  return page === undefined ? { entry, page, rest } : { entry, page, rest: rest.slice(1) };
}

/** All pages of commands. */
export function pagesOf(catalog: Catalog): Page[] {
  return catalog.flatMap(entry => (entry.kind === 'command' ? [entry.page] : entry.group.commands));
}
