/** One command run in this process: what it prints and its exit code. */

import { buildApplication, type Command, type CommandContext, run } from '@stricli/core';
import { splitLinkWords } from '../../cli/flags/search.ts';
import type { Context } from '../../cli/io/context.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `hide` is left out of what was printed: the directory of the test. */
export async function runCommand(
  command: Command<Context>,
  words: readonly string[],
  hide: string,
): Promise<Outcome> {
  const written = { out: [] as string[], err: [] as string[] };
  const process = {
    stdout: { write: (text: string) => void written.out.push(text) },
    stderr: { write: (text: string) => void written.err.push(text) },
    exitCode: 0,
  };
  const app = buildApplication(command as Command<CommandContext & Context>, {
    // any command fits an application whose context has what the command wants
    name: 'rootlet',
    scanner: { caseStyle: 'allow-kebab-for-camel' },
  });
  await run(app, splitLinkWords(words), { process });
  const short = (texts: readonly string[]): string => texts.join('').replaceAll(hide, '');
  return { code: Number(process.exitCode), out: short(written.out), err: short(written.err) };
}
