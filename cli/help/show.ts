/** Prints the page of the command that was called, and the short form of it that an error of usage has. */

import type { Command, RouteMap } from '@stricli/core';
import { showsColour } from '../io/colour.ts';
import { type Context, print } from '../io/context.ts';
import type { Usage } from '../parser-text.ts';
import { groupPageOf } from './catalog.ts';
import { optionsOf, pageOf } from './page.ts';
import { commandText, groupText } from './text.ts';
import { pageWidth } from './width.ts';

/** `words`: name of the command, with that of its group. */
export function showCommand(context: Context, words: string, command: Command<Context>): void {
  print(context, commandText(pageOf(words, command), pageWidth(context), showsColour('stdout')));
}

export function showGroup(context: Context, name: string, routes: RouteMap<Context>): void {
  print(context, groupText(groupPageOf(name, routes), pageWidth(context), showsColour('stdout')));
}

/** `usage: rootlet link [OPTION]... IN...; "rootlet help link" has all options`. */
export function shortUsage(words: string, command: Command<Context>): string {
  const { usage } = pageOf(words, command);
  return `usage: rootlet ${words} ${usage}; "rootlet help ${words}" has all options`;
}

/** The options that the command has, without their hyphens. */
export function optionNames(command: Command<Context>): string[] {
  return optionsOf(command.parameters).flatMap(({ long, isNegated }) =>
    isNegated ? [long, `no-${long}`] : [long],
  );
}

/** The commands of a group. */
export function groupUsage(name: string, routes: RouteMap<Context>): Usage {
  const names = groupPageOf(name, routes).commands.map(({ command }) => command.slice(name.length + 1));
  return { names, hint: `"rootlet help ${name}" lists its commands: ${names.join(', ')}` };
}
