/**
 * How components are named on the command line: `FILE[:PROGRAM]`, in chains with the suffix `@VERDICT,…`, in
 * slots with the prefix `SLOT=`.
 */

import { usageError } from '../../src/diag/index.ts';
import { type BindRequest, parseTarget } from '../../src/link/index.ts';

export interface NamedComponent {
  readonly file: string;
  readonly program?: string;
  /** Verdicts that continue with the next component. */
  readonly continueOn?: readonly string[];
}

const PROGRAM = /^[A-Za-z_][A-Za-z0-9_.]*$/;
const VERDICTS = /^[A-Za-z0-9_,-]*$/;

/** A colon inside FILE (`C:\x.o`) belongs to it unless a C name follows. */
export function parseComponent(text: string): NamedComponent {
  const colon = text.lastIndexOf(':');
  const program = colon < 0 ? '' : text.slice(colon + 1);
  if (colon <= 0 || !PROGRAM.test(program)) return { file: text };
  return { file: text.slice(0, colon), program };
}

/**
 * As `parseComponent`, with verdicts; an `@` inside FILE (`@scope/x.o`) belongs to it unless words follow to
 * the end.
 */
export function parseChainComponent(text: string): NamedComponent {
  const at = text.lastIndexOf('@');
  if (at <= 0 || !VERDICTS.test(text.slice(at + 1))) return parseComponent(text);
  return { ...parseComponent(text.slice(0, at)), continueOn: words(text.slice(at + 1)) };
}

export interface NamedAssignment extends NamedComponent {
  readonly slot: string;
}

export function parseAssignment(text: string): NamedAssignment {
  const equals = text.indexOf('=');
  if (equals <= 0 || equals === text.length - 1) {
    throw usageError('usage-assignment', `"${text}" is not SLOT=FILE or SLOT=FILE:PROGRAM`);
  }
  return { slot: text.slice(0, equals), ...parseComponent(text.slice(equals + 1)) };
}

/** `FILE:EXTERN=[FILE:]NAME`. */
export function parseBind(word: string): BindRequest {
  const equals = word.indexOf('=');
  const colon = word.lastIndexOf(':', equals);
  if (equals < 0 || colon <= 0) throw usageError('usage-bind', `"${word}" is not FILE:EXTERN=FILE:NAME`);
  return {
    consumer: word.slice(0, colon),
    extern: word.slice(colon + 1, equals),
    ...parseTarget(word.slice(equals + 1)),
  };
}

/** Words of a list with commas. */
export function words(text: string): string[] {
  return text.split(',').filter(word => word !== '');
}
