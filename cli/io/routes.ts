/** Groups of commands, `rootlet GROUP COMMAND`: which there are, and how the called one is loaded. */

import { buildRouteMap, type Command, type CommandContext, type RouteMap } from '@stricli/core';
import type { Context } from './context.ts';

export interface Routes {
  readonly brief: string;
  readonly description: string;
  readonly commands: Readonly<Record<string, () => Promise<Command<Context>>>>;
}

/** The group with the called command alone, or with all of them for help and for "did you mean". */
export async function loadGroup(
  { brief, description, commands }: Routes,
  name: string | undefined,
): Promise<RouteMap<CommandContext & Context>> {
  const all = Object.entries(commands);
  const called = all.filter(([key]) => key === name);
  const wanted = called.length > 0 ? called : all;
  const loaded = await Promise.all(wanted.map(async ([key, load]) => [key, await load()] as const));
  return buildRouteMap<string, CommandContext & Context>({
    routes: Object.fromEntries(loaded),
    docs: { brief, fullDescription: description },
  });
}
