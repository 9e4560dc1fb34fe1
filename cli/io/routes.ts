/** Groups of commands, `rootlet GROUP COMMAND`: which there are, and how the called one is loaded. */

import { buildRouteMap, type Command, type CommandContext, type RouteMap } from '@stricli/core';
import type { Context } from './context.ts';

export type Loader = () => Promise<Command<Context>>;

export interface Routes {
  readonly brief: string;
  readonly description: string;
  readonly commands: Readonly<Record<string, Loader>>;
}

/** The called command alone, or all of them for help and for "did you mean". */
export async function loadCommands(
  commands: Readonly<Record<string, Loader>>,
  name: string | undefined,
): Promise<Record<string, Command<Context>>> {
  const wanted = name !== undefined && Object.hasOwn(commands, name) ? [name] : Object.keys(commands);
  const loaded = await Promise.all(
    wanted.map(async key => {
      const command = await commands[key]?.();
      return command === undefined ? [] : [[key, command] as const];
    }),
  );
  return Object.fromEntries(loaded.flat());
}

/** A group with the called command alone, or with all of them. */
export async function loadGroup(
  routes: Routes,
  name: string | undefined,
): Promise<RouteMap<CommandContext & Context>> {
  return buildRouteMap<string, CommandContext & Context>({
    routes: await loadCommands(routes.commands, name),
    docs: { brief: routes.brief, fullDescription: routes.description },
  });
}
