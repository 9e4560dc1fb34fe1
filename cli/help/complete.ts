/**
 * Completion of a command line: what may come next at the cursor. The shells only ask and show; the answer is made of
 * the pages of commands and of values that exist now.
 */

import { type Catalog, findPage } from './catalog.ts';
import type { OptionHelp, Page } from './page.ts';

export interface Candidate {
  readonly word: string;
  /** Short text beside it; empty for values that say enough. */
  readonly text: string;
}

/** What the shell adds by itself. */
export type Paths = 'files' | 'directories' | 'none';

export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly paths: Paths;
}

/** What is known of a value that is wanted. */
export interface ValueQuery {
  /** `link`, `xdp load`. */
  readonly command: string;
  /** Name of the option as the parser knows it; undefined for an argument. */
  readonly option?: string;
  /** `FILE[:PROGRAM]`, in capitals, as help shows it. */
  readonly placeholder: string;
  /** Arguments that are there already. */
  readonly given: readonly string[];
  /** Beginning of the value. */
  readonly start: string;
}

/** Finds values that exist: names, interfaces, files. */
export type ValueSource = (query: ValueQuery) => Completion;

const NOTHING: Completion = { candidates: [], paths: 'none' };

/** `words`: those after `rootlet` up to the cursor; the last one is incomplete, and may be empty. */
export function complete(words: readonly string[], catalog: Catalog, values: ValueSource): Completion {
  const [start = ''] = words.slice(-1);
  const before = words.slice(0, -1);
  if (before.length === 0) return starting(start, catalog.map(commandCandidate));
  const isHelp = before[0] === 'help';
  const path = isHelp ? before.slice(1) : before;
  if (path.length === 0) return starting(start, catalog.map(commandCandidate));
  const found = findPage(catalog, path);
  if (found === undefined) return NOTHING;
  const { entry, page, rest } = found;
  if (page !== undefined) return isHelp ? NOTHING : inCommand(page, rest, start, values);
  if (entry.kind !== 'group' || rest.length > 0) return NOTHING;
  const commands = entry.group.commands.map(({ command, brief }) => ({
    word: command.slice(entry.name.length + 1),
    text: brief,
  }));
  return starting(start, commands);
}

function commandCandidate({ name, brief }: { readonly name: string; readonly brief: string }): Candidate {
  return { word: name, text: brief };
}

function starting(start: string, candidates: readonly Candidate[]): Completion {
  return { candidates: candidates.filter(({ word }) => word.startsWith(start)), paths: 'none' };
}

function inCommand(page: Page, before: readonly string[], start: string, values: ValueSource): Completion {
  const options = page.sections.flatMap(section => section.options);
  const state = read(before, options);
  const { given, pending, isEnded } = state;
  if (pending !== undefined) return valueFor(page, given, pending, start, values);
  if (!isEnded && start.startsWith('-')) return optionOrValue(page, given, start, options, values);
  const argument = page.arguments[Math.min(given.length, page.arguments.length - 1)];
  if (argument === undefined || (given.length >= page.arguments.length && !argument.isRepeated))
    return NOTHING;
  return values({ command: page.command, placeholder: argument.name, given, start });
}

interface State {
  readonly given: readonly string[];
  /** The option whose value comes next. */
  readonly pending: OptionHelp | undefined;
  /** Whether `--` ended the options. */
  readonly isEnded: boolean;
}

function read(words: readonly string[], options: readonly OptionHelp[]): State {
  const given: string[] = [];
  let pending: OptionHelp | undefined;
  for (const [at, word] of words.entries()) {
    if (pending !== undefined) pending = undefined;
    else if (word === '--') return { given: [...given, ...words.slice(at + 1)], pending, isEnded: true };
    else if (!word.startsWith('-') || word === '-') given.push(word);
    else pending = awaiting(word, options);
  }
  return { given, pending, isEnded: false };
}

/** The option that takes the next word as its value. */
function awaiting(word: string, options: readonly OptionHelp[]): OptionHelp | undefined {
  const option = word.startsWith('--')
    ? options.find(({ long }) => `--${long}` === word)
    : options.find(({ short }) => short !== undefined && `-${short}` === word);
  return option?.value === undefined ? undefined : option;
}

function optionOrValue(
  page: Page,
  given: readonly string[],
  start: string,
  options: readonly OptionHelp[],
  values: ValueSource,
): Completion {
  const equals = start.indexOf('=');
  if (equals < 0) return starting(start, options.flatMap(optionCandidates));
  const lead = start.slice(0, equals + 1);
  const option = options.find(({ long }) => lead === `--${long}=`);
  if (option === undefined) return NOTHING;
  const { candidates, paths } = valueFor(page, given, option, start.slice(equals + 1), values);
  return { candidates: candidates.map(({ word, text }) => ({ word: `${lead}${word}`, text })), paths };
}

function optionCandidates({ long, isNegated, brief }: OptionHelp): Candidate[] {
  const option = { word: `--${long}`, text: brief };
  return isNegated ? [option, { word: `--no-${long}`, text: '' }] : [option];
}

function valueFor(
  { command }: Page,
  given: readonly string[],
  { key, value = '', words }: OptionHelp,
  start: string,
  values: ValueSource,
): Completion {
  if (words !== undefined)
    return starting(
      start,
      words.map(word => ({ word, text: '' })),
    );
  return values({ command, option: key, placeholder: value, given, start });
}
