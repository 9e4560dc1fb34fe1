/**
 * Names as the kernel takes them in BTF: C identifiers, although Rust, Zig and C++ name types otherwise.
 *
 * Characters that are not allowed become `_XX_`, the hexadecimal numbers of their bytes, as bpf-linker and aya
 * write them. The same name is always rewritten in the same way, so types of two objects that have one name
 * keep one name; two names of one object never become one.
 */

import { encodeText } from '../../bytes/index.ts';

/** What one kernel accepts. */
export interface NameRules {
  /** Characters of a name at most. */
  readonly length: number;
  /** Dots in names of functions, variables and types (`f.llvm.1`): since Linux 6.4. */
  readonly dots: boolean;
  /** Names of data sections may have any printable character: since Linux 6.11. */
  readonly printableSections: boolean;
}

/** The rules of Linux 6.18. */
export const NAME_RULES: NameRules = { length: 512, dots: true, printableSections: true };
/** Rules that every kernel has. */
export const OLDEST_NAME_RULES: NameRules = { length: 127, dots: false, printableSections: false };

/** What a name is of. */
export type NameUse = 'identifier' | 'section';

const LETTER = /[A-Za-z_]/;
const DIGIT = /[0-9]/;
/** Hexadecimal digits at the end of a name that was cut. */
const HASH_DIGITS = 8;

/** Names of one set of types, each rewritten in one way only. */
export class Names {
  readonly #rules: NameRules;
  readonly #rewritten = new Map<string, string>();
  readonly #taken: Set<string>;

  /** `taken`: all names of the types. */
  constructor(rules: NameRules, taken: Iterable<string>) {
    this.#rules = rules;
    this.#taken = new Set(taken);
  }

  /** The name to use: `name` itself when the kernel takes it. */
  of(name: string, use: NameUse): string {
    const key = `${use} ${name}`;
    const known = this.#rewritten.get(key);
    if (known !== undefined) return known;
    let found = takenName(name, use, this.#rules);
    while (found !== name && this.#taken.has(found)) found = shortened(`${found}_`, this.#rules.length);
    this.#taken.add(found);
    this.#rewritten.set(key, found);
    return found;
  }
}

/** The name as a kernel with these rules takes it, whatever other names there are. */
export function takenName(name: string, use: NameUse, rules: NameRules): string {
  let text = '';
  for (const byte of encodeText(name))
    text += isAllowed(byte, text === '', use, rules) ? char(byte) : hex(byte);
  const isLong = encodeText(name).length > rules.length;
  if (use === 'section' && rules.printableSections && isPrintable(name) && !isLong) return name;
  return shortened(text, rules.length);
}

function isAllowed(byte: number, first: boolean, use: NameUse, rules: NameRules): boolean {
  const text = char(byte);
  if (LETTER.test(text)) return true;
  if (text === '.') return rules.dots || use === 'section';
  return !first && DIGIT.test(text);
}

/** Every byte, by the kernel's table of characters, which is that of Latin-1. */
function isPrintable(name: string): boolean {
  return encodeText(name).every(byte => (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0);
}

function char(byte: number): string {
  return String.fromCharCode(byte);
}

function hex(byte: number): string {
  return `_${byte.toString(16).toUpperCase().padStart(2, '0')}_`;
}

/** The start of a name that is too long, and a number that follows from all of it. */
function shortened(name: string, length: number): string {
  if (encodeText(name).length <= length) return name;
  let hash = 0x811c9dc5;
  for (const byte of encodeText(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  const end = (hash >>> 0).toString(16).padStart(HASH_DIGITS, '0');
  return `${name.slice(0, length - HASH_DIGITS - 1)}_${end}`;
}
