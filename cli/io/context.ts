/** What commands use of the process, so tests can run them without one. */

import type { CommandContext, StricliProcess } from '@stricli/core';
import {
  EXIT,
  exitCodeOf,
  joinLines,
  jsonLines,
  type Lines,
  line,
  type Problem,
  problemLines,
  RootletError,
} from '../../src/diag/index.ts';
import { showsColour } from './colour.ts';
import { isBrokenPipe } from './stdio.ts';

export interface Context extends CommandContext {
  readonly process: StricliProcess;
}

/** Version of every JSON document that the command prints. */
export const SCHEMA_VERSION = 1;

/** Prints data. */
export function print(context: Context, text: Lines): void {
  context.process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Prints one line of data. */
export function printLine(context: Context, text: string): void {
  print(context, line(text));
}

/** Home, and clear what is below. */
const RENEW = '\u001b[H\u001b[J';

/** Prints in place of what was printed before, where the output is `live` (a terminal). */
export function printScreen(context: Context, text: Lines, live: boolean): void {
  if (live) context.process.stdout.write(RENEW);
  print(context, text);
}

/** Where `redraw` writes what it draws. */
export function screenOf(context: Context): (text: string) => void {
  return text => context.process.stdout.write(text);
}

/** Characters that are written at once. */
const CHUNK = 1 << 16;

/** Prints texts as they come, each on lines of its own: none of them has to be kept. */
export function printAll(context: Context, texts: Iterable<Lines>): void {
  let pending = '';
  for (const text of texts) {
    pending += text.endsWith('\n') ? text : `${text}\n`;
    if (pending.length < CHUNK) continue;
    context.process.stdout.write(pending);
    pending = '';
  }
  if (pending !== '') context.process.stdout.write(pending);
}

/** Prints diagnostics: progress, warnings, problems. */
export function tell(context: Context, text: Lines): void {
  context.process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Prints one line of diagnostics. */
export function tellLine(context: Context, text: string): void {
  tell(context, line(text));
}

export function tellProblem(context: Context, problem: Problem): void {
  tell(context, problemLines(problem, 'rootlet: ', showsColour('stderr')));
}

export function tellNotes(context: Context, notes: Iterable<string>): void {
  for (const note of notes) tellLine(context, `rootlet: note: ${note}`);
}

export function printJson(context: Context, value: Readonly<Record<string, unknown>>): void {
  print(context, jsonLines(jsonText({ schemaVersion: SCHEMA_VERSION, ...value })));
}

/** A function for values takes a third of the time of a large document, which seldom has a bigint. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value, undefined, 2);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, jsonValue, 2);
  }
}

/** One document on one line, for commands that print several. */
export function printJsonLine(context: Context, value: Readonly<Record<string, unknown>>): void {
  print(context, jsonLine(value));
}

/** The line that it prints. */
export function jsonLine(value: Readonly<Record<string, unknown>>): Lines {
  return jsonLines(JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...value }, jsonValue));
}

/** bigint as a decimal string when it does not fit a JSON number. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const fits = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  return fits ? Number(value) : value.toString();
}

/**
 * Runs the body of a command: whatever is thrown becomes text on stderr (or a JSON document with `--json`)
 * and the exit code of its class.
 */
export async function guarded(
  context: Context,
  json: boolean,
  body: () => void | Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    try {
      tellFailure(context, json, error);
    } catch (again) {
      tellFailure(context, false, again); // stdout could not take the document
    }
  }
}

function tellFailure(context: Context, json: boolean, error: unknown): void {
  if (isBrokenPipe(error)) return; // the reader of the output is gone
  context.process.exitCode = exitCodeOf(error);
  if (error instanceof RootletError) {
    if (json) printJson(context, { ok: false, problems: error.problems });
    else for (const problem of error.problems) tellProblem(context, problem);
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tell(context, joinLines(`rootlet: internal error (please report): ${text}`.split('\n')));
  context.process.exitCode = EXIT.bug;
}
