/** How components are named on the command line: `FILE[:PROGRAM][@VERDICT,…]`, and `SLOT=` in front of it. */

import { usageError } from '../src/diag/index.ts';

export interface NamedComponent {
  readonly file: string;
  readonly program?: string;
  /** Verdicts that go on to the next component. */
  readonly continueOn?: readonly string[];
}

/** A colon inside FILE (`C:\x.o`) belongs to it unless a C name follows. */
export function parseComponent(text: string): NamedComponent {
  const at = text.lastIndexOf('@');
  const verdicts = at > 0 ? { continueOn: words(text.slice(at + 1)) } : {};
  const rest = at > 0 ? text.slice(0, at) : text;
  const colon = rest.lastIndexOf(':');
  const program = colon < 0 ? '' : rest.slice(colon + 1);
  if (colon <= 0 || !/^[A-Za-z_][A-Za-z0-9_.]*$/.test(program)) return { file: rest, ...verdicts };
  return { file: rest.slice(0, colon), program, ...verdicts };
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

/** Words of a list with commas. */
export function words(text: string): string[] {
  return text.split(',').filter(word => word !== '');
}
