/** `rootlet help` and `rootlet completion`, which need the pages of all commands. */

import { buildCommand, type Command } from '@stricli/core';
import { didYouMean, joinLines, quote, quoteAll, usageError } from '../../src/diag/index.ts';
import { showsColour } from '../io/colour.ts';
import { type Context, guarded, print } from '../io/context.ts';
import { type Catalog, type CatalogEntry, findPage } from './catalog.ts';
import { complete } from './complete.ts';
import { isShell, SCRIPTS, SHELLS } from './shells.ts';
import { commandText, groupText, rootText } from './text.ts';
import { valuesOf } from './values.ts';
import { pageWidth } from './width.ts';

type LoadCatalog = () => Promise<Catalog>;

export function helpCommand(load: LoadCatalog): Command<Context> {
  return buildCommand<Record<never, never>, string[], Context>({
    docs: { brief: 'List the commands, or options and examples of one' },
    parameters: {
      positional: {
        kind: 'array',
        parameter: { brief: 'Command, and command of a group', parse: String, placeholder: 'COMMAND' },
      },
    },
    async func(_flags, ...words) {
      await guarded(this, false, async () => printHelp(this, await load(), words));
    },
  });
}

/** Throws `usage-command`. */
export function printHelp(context: Context, catalog: Catalog, words: readonly string[]): void {
  const [width, colour] = [pageWidth(context), showsColour('stdout')];
  const [first] = words;
  if (first === undefined) {
    print(context, rootText(catalog, width));
    return;
  }
  const found = findPage(catalog, words);
  if (found === undefined) throw noCommand(first, catalog);
  const { entry, page, rest } = found;
  if (rest[0] !== undefined) throw noCommandIn(entry, rest[0]);
  if (page !== undefined) print(context, commandText(page, width, colour));
  else if (entry.kind === 'group') print(context, groupText(entry.group, width, colour));
}

function noCommand(word: string, catalog: Catalog) {
  const names = catalog.map(({ name }) => name);
  return usageError('usage-command', `there is no command ${quote(word)}`, {
    ...didYouMean(word, names, 'rootlet help lists the commands'),
  });
}

function noCommandIn(entry: CatalogEntry, word: string) {
  if (entry.kind === 'command')
    return usageError('usage-arguments', `${quote(entry.name)} has no commands: ${quote(word)}`);
  const names = entry.group.commands.map(({ command }) => command.slice(entry.name.length + 1));
  return usageError('usage-command', `there is no command ${quote(`${entry.name} ${word}`)}`, {
    ...didYouMean(word, names, `there are: ${quoteAll(names)}`),
  });
}

export function completionCommand(load: LoadCatalog): Command<Context> {
  return buildCommand<Record<never, never>, string[], Context>({
    docs: {
      brief: 'Print a completion script for bash, zsh or fish',
      fullDescription:
        'Print a script for the shell. It completes commands, options and their words, interfaces, names of entries and ' +
        'of members of chains, slots of rootlets, and programs in files.',
    },
    parameters: {
      positional: {
        kind: 'array',
        minimum: 1,
        parameter: { brief: 'bash, zsh or fish', parse: String, placeholder: 'SHELL' },
      },
    },
    async func(_flags, shell = '', ...words) {
      await guarded(this, false, async () => {
        if (shell === 'words') printWords(this, await load(), words);
        else if (isShell(shell)) print(this, joinLines(SCRIPTS[shell].trimEnd().split('\n')));
        else throw noShell(shell);
      });
    },
  });
}

function noShell(shell: string) {
  return usageError('usage-arguments', `there is no completion for ${quote(shell)}`, {
    ...didYouMean(shell, SHELLS, `there are: ${quoteAll(SHELLS)}`),
  });
}

/** A candidate a line, for the scripts of shells. */
function printWords(context: Context, catalog: Catalog, words: readonly string[]): void {
  const { candidates, paths } = complete(words, catalog, valuesOf(context));
  const lines = candidates.map(({ word, text }) => `${word}\t${text}`);
  print(context, joinLines([...lines, `:${paths}`]));
}
