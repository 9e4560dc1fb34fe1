/**
 * Errors of the argument parser as problems of rootlet: with the prefix and the exit code of all others, as
 * JSON on request, and with options spelled as users write them (`--gc-sections`, not `--gcSections`).
 */

import {
  AliasNotFoundError,
  type ApplicationText,
  ArgumentParseError,
  ArgumentScannerError,
  FlagNotFoundError,
  formatMessageForArgumentScannerError,
  text_en,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from '@stricli/core';
import { type CodeOf, nearestNames, type Problem, problem, quote, suggestion } from '../src/diag/index.ts';
import { kebab } from './flags/spelling.ts';

/** Problems of a command line; at most one, since the parser stops at it. */
export interface ParserTalk {
  readonly text: ApplicationText;
  readonly problem: () => Problem | undefined;
}

/** What there is in place of a word that was refused. */
export interface Usage {
  /** Names among which the right one may be: of commands, or of options without their hyphens. */
  readonly names: readonly string[];
  /** What to show where none of them is similar. */
  readonly hint: string;
}

/** `usage` is asked for when something is refused. */
export function listenToParser(usage: () => Usage): ParserTalk {
  let found: Problem | undefined;
  const refuse = (code: CodeOf<'usage'>, message: string, word = '', lead = ''): string => {
    const { names, hint } = usage();
    const similar = nearestNames(word, names).map(name => `${lead}${name}`);
    found = problem(code, [], message, { hint: suggestion(similar) ?? hint });
    return message;
  };
  const text: ApplicationText = {
    ...text_en,
    noCommandRegisteredForInput: ({ input }) =>
      refuse('usage-command', `there is no command ${quote(input)}`, input),
    exceptionWhileParsingArguments: error =>
      error instanceof FlagNotFoundError
        ? refuse('usage-option', noOption(error), error.aliasName === undefined ? error.input : '', '--')
        : refuse('usage-arguments', messageOf(error)),
  };
  return { text, problem: () => found };
}

function noOption({ input, aliasName }: FlagNotFoundError): string {
  return `there is no option ${quote(aliasName === undefined ? `--${input}` : `-${aliasName}`)}`;
}

function messageOf(error: unknown): string {
  if (error instanceof AliasNotFoundError) return `there is no option ${quote(`-${error.input}`)}`;
  if (error instanceof UnsatisfiedFlagError) {
    const next = error.nextFlagName === undefined ? '' : `, but --${kebab(error.nextFlagName)} follows`;
    return `--${kebab(error.externalFlagName)} needs a value${next}`;
  }
  if (error instanceof ArgumentParseError) return unparsed(error);
  if (error instanceof UnexpectedPositionalError)
    return `${quote(error.input)} is an unexpected argument; expected: ${error.expectedCount}`;
  if (error instanceof UnsatisfiedPositionalError) return `${error.placeholder} is missing`;
  if (error instanceof ArgumentScannerError)
    return optionsInKebabCase(formatMessageForArgumentScannerError(error, {}));
  return error instanceof Error ? error.message : String(error);
}

/** The reason names the value. */
function unparsed({ externalFlagNameOrPlaceholder: name, exception }: ArgumentParseError): string {
  const reason = exception instanceof Error ? exception.message : String(exception);
  return `--${kebab(name)}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
}

/** Options in a text of the parser, as users write them. */
function optionsInKebabCase(text: string): string {
  const [first = '', ...rest] = text.split(' ');
  const [start = '', ...words] = [first.charAt(0).toLowerCase() + first.slice(1), ...rest];
  return [start, ...words].map(word => (word.startsWith('--') ? kebab(word) : word)).join(' ');
}
