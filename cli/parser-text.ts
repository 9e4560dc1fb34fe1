/**
 * What the argument parser has to say, as our own problems: with the prefix and the exit code of all others, as JSON
 * where that is asked for, and with options spelled as users write them (`--gc-sections`, not `--gcSections`).
 */

import {
  AliasNotFoundError,
  type ApplicationText,
  ArgumentScannerError,
  FlagNotFoundError,
  formatMessageForArgumentScannerError,
  text_en,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from '@stricli/core';
import { type CodeOf, type Problem, problem, quote, suggestion } from '../src/diag/index.ts';

/** What was said of a command line; there is at most one problem, since the parser stops at it. */
export interface ParserTalk {
  readonly text: ApplicationText;
  readonly problem: () => Problem | undefined;
}

export function listenToParser(): ParserTalk {
  let found: Problem | undefined;
  const refuse = (code: CodeOf<'usage'>, message: string, hint?: string): string => {
    found = problem(code, [], message, hint === undefined ? {} : { hint });
    return message;
  };
  const text: ApplicationText = {
    ...text_en,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      refuse('usage-command', `there is no command ${quote(input)}`, suggestion(corrections.map(plain))),
    exceptionWhileParsingArguments: error =>
      error instanceof FlagNotFoundError
        ? refuse(
            'usage-option',
            noOption(error),
            suggestion(error.corrections.map(name => `--${kebab(name)}`)),
          )
        : refuse('usage-arguments', messageOf(error)),
  };
  return { text, problem: () => found };
}

/** The parser puts names in backticks. */
function plain(name: string): string {
  return name.replaceAll('`', '');
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
  if (error instanceof UnexpectedPositionalError)
    return `${quote(error.input)} is one argument too many; expected: ${error.expectedCount}`;
  if (error instanceof UnsatisfiedPositionalError) return `${error.placeholder} is missing`;
  if (error instanceof ArgumentScannerError)
    return optionsInKebabCase(formatMessageForArgumentScannerError(error, {}));
  return error instanceof Error ? error.message : String(error);
}

/** Options in a text of the parser, as users write them. */
function optionsInKebabCase(text: string): string {
  const [first = '', ...rest] = text.split(' ');
  const [start = '', ...words] = [first.charAt(0).toLowerCase() + first.slice(1), ...rest];
  return [start, ...words].map(word => (word.startsWith('--') ? kebab(word) : word)).join(' ');
}

/** `gcSections` → `gc-sections`. */
function kebab(name: string): string {
  return [...name].map(letter => (isCapital(letter) ? `-${letter.toLowerCase()}` : letter)).join('');
}

function isCapital(letter: string): boolean {
  return letter >= 'A' && letter <= 'Z';
}
