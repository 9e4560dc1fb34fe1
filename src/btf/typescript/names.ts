/**
 * Names and texts of a file in TypeScript: as identifiers, property names, literals and comments. Names come from
 * files, and none of them may end a comment or a literal, or be anything but a name.
 */

import { printableName } from '../../diag/index.ts';

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** Words that no type may be called. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'any unknown never number bigint boolean string symbol void object undefined null true false break case catch ' +
    'class const continue debugger default delete do else enum export extends finally for function if import in ' +
    'instanceof new return super switch this throw try typeof var while with implements interface let package ' +
    'private protected public static yield await async declare namespace module global type intrinsic as is of'
  ).split(' '),
);

/** Most characters of a comment that come from the file. */
const LONGEST_COMMENT = 400;
/** Most characters of an identifier. */
const LONGEST_IDENTIFIER = 128;

/** A literal type of the text, in ASCII. */
export function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A member called so: as it is where it is an identifier, else as a literal. */
export function property(name: string): string {
  return IDENTIFIER.test(name) ? name : literal(name);
}

/** A comment that quotes C of the file. */
export function comment(code: string, more = ''): string {
  const shown = printableName(code).replaceAll('`', "'").replaceAll('*/', '* /');
  const cut = shown.length > LONGEST_COMMENT ? `${shown.slice(0, LONGEST_COMMENT)}...` : shown;
  return `/** \`${cut.replaceAll('…', '...').replace(/[^\x20-\x7e]/g, '?')}\`${more} */`;
}

/** Identifiers for names of a file, each different. */
export class Identifiers {
  readonly #used = new Set<string>();
  /** By identifier: the least number that may be free. */
  readonly #numbers = new Map<string, number>();

  /** The name as an identifier; with a number where it is taken. */
  take(name: string): string {
    const base = identifier(name);
    let number = this.#numbers.get(base) ?? 1;
    let taken = number === 1 ? base : `${base}___${number}`;
    while (this.#used.has(taken)) taken = `${base}___${++number}`;
    this.#numbers.set(base, number + 1);
    this.#used.add(taken);
    return taken;
  }
}

function identifier(name: string): string {
  const plain = name.slice(0, LONGEST_IDENTIFIER).replace(/[^A-Za-z0-9_$]/g, '_');
  const started = /^[A-Za-z_$]/.test(plain) ? plain : `_${plain}`;
  return RESERVED.has(started) ? `${started}_` : started;
}
