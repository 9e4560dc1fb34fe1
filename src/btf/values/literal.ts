/**
 * Text as a value for `encodeValue`: JSON, initialisers of C, and what `valueText` prints. Types are not needed: what does
 * not fit one is found when the value is encoded. It is the one reader of values that users write.
 */

import { quote, usageError } from '../../diag/index.ts';

/** How deep lists and structures nest. */
const MAX_DEPTH = 64;
/** More elements than this have no place in a command. */
const MAX_ELEMENTS = 1 << 20;

/**
 * A value as it is written: `5`, `0x1f`, `-1`, `1.5`, `true`, `NULL`, `'a'`, `"text"`, `[1, 2]`, `{"hits": 3}`,
 * `{.hits = 3}`, `{1, [4 ... 7] = 2}`, `hex:0a 0b` for bytes; other text is itself, as the name of an enumerator or the
 * contents of an array of characters. Integers that a double does not hold are bigints. Throws `value-literal`.
 */
export function parseLiteral(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed.startsWith('hex:')) return parseHex(trimmed);
  const number = parseNumber(trimmed);
  if (number !== undefined) return number;
  if (!/^["'{[]/.test(trimmed)) return KEYWORDS.has(trimmed) ? KEYWORDS.get(trimmed) : text;
  return new Reader(trimmed).whole();
}

const KEYWORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['NULL', 0],
]);

function parseHex(text: string): Uint8Array {
  const digits = text.slice('hex:'.length).replace(/[\s:]/g, '');
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits))
    throw literalError(text, 'hex: is followed by two hexadecimal digits for each byte');
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

const INTEGER = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|\d+)(?:[uU]?[lL]{0,2}|[lL]{1,2}[uU])$/;
const FRACTION = /^[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][+-]?\d+$))(?:[eE][+-]?\d+)?$/;

/** Undefined for what is not a number. */
function parseNumber(text: string): number | bigint | undefined {
  const [, sign, digits] = INTEGER.exec(text) ?? [];
  if (digits === undefined) return FRACTION.test(text) ? Number(text) : undefined;
  if (/^0\d/.test(digits))
    throw literalError(
      text,
      'numbers do not begin with 0: octal ones begin with 0o, hexadecimal ones with 0x',
    );
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function literalError(text: string, why: string) {
  return usageError('value-literal', `${quote(text)} is not a value: ${why}`, {
    hint: 'a value is a number, text in quotes, JSON, an initialiser of C as {.limit = 5}, or hex: and bytes',
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '0': '\0',
};

/** An item between braces. */
type Item =
  | { readonly kind: 'member'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'elements'; readonly first: number; readonly last: number; readonly value: unknown }
  | { readonly kind: 'next'; readonly value: unknown };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('something follows its end');
    return value;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.#error(`it nests more than ${MAX_DEPTH} deep`);
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#braces(depth);
      case '[':
        return this.#list(depth);
      case '"':
        return this.#quoted('"');
      case "'":
        return this.#character();
      default:
        return this.#word();
    }
  }

  /** JSON's list. */
  #list(depth: number): unknown[] {
    this.#expect('[');
    const items: unknown[] = [];
    while (!this.#takes(']')) {
      items.push(this.#value(depth + 1));
      if (!this.#takes(',') && !this.#sees(']'))
        throw this.#error('a list goes on with "," or ends with "]"');
    }
    return items;
  }

  /** JSON's object, or an initialiser of C: of a structure or of an array. */
  #braces(depth: number): unknown {
    this.#expect('{');
    const items: Item[] = [];
    while (!this.#takes('}')) {
      items.push(this.#item(depth + 1));
      if (!this.#takes(',') && !this.#sees('}'))
        throw this.#error('a list goes on with "," or ends with "}"');
    }
    return items.every(item => item.kind === 'member') ? this.#members(items) : this.#elements(items);
  }

  #item(depth: number): Item {
    if (this.#takes('.')) {
      const name = this.#match(/[A-Za-z_]\w*/y, 'the name of a member follows "."');
      this.#expect('=');
      return { kind: 'member', name, value: this.#value(depth) };
    }
    const named = this.#tryMatch(/("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)\s*:/y);
    if (named !== undefined) return this.#named(named, depth);
    return this.#designated(depth) ?? { kind: 'next', value: this.#value(depth) };
  }

  /** `"name": value`. */
  #named(named: string, depth: number): Item {
    const name = named.replace(/\s*:$/, '');
    const plain = name.startsWith('"') ? new Reader(name).#quoted('"') : name;
    return { kind: 'member', name: plain, value: this.#value(depth) };
  }

  /** `[3] = value`, `[3 ... 7] = value`; a list without `=` is a value. */
  #designated(depth: number): Item | undefined {
    const designator = this.#tryMatch(/\[\s*(\d+)\s*(?:\.\.\.\s*(\d+)\s*)?\]\s*=/y);
    if (designator === undefined) return undefined;
    const [first = 0, last = first] = (designator.match(/\d+/g) ?? []).map(Number);
    if (last < first || last >= MAX_ELEMENTS) throw this.#error(`there are no elements ${first} to ${last}`);
    return { kind: 'elements', first, last, value: this.#value(depth) };
  }

  #members(items: readonly Item[]): unknown {
    const members: { [name: string]: unknown } = Object.create(null);
    for (const item of items) {
      if (item.kind !== 'member') continue;
      if (Object.hasOwn(members, item.name)) throw this.#error(`${quote(item.name)} is given twice`);
      members[item.name] = item.value;
    }
    return members;
  }

  /** Sparse: elements that are not given have no value. */
  #elements(items: readonly Item[]): unknown[] {
    const elements: unknown[] = [];
    let next = 0;
    for (const item of items) {
      if (item.kind === 'member') throw this.#error('it has members of a structure and elements of an array');
      const { first, last } = item.kind === 'elements' ? item : { first: next, last: next };
      for (let at = first; at <= last; at++) elements[at] = item.value;
      next = last + 1;
    }
    return elements;
  }

  #quoted(quotation: string): string {
    this.#expect(quotation);
    let text = '';
    while (this.#text[this.#at] !== quotation) {
      const character = this.#text[this.#at];
      if (character === undefined) throw this.#error(`it has no ${quotation} at its end`);
      text += character === '\\' ? this.#escape() : character;
      if (character !== '\\') this.#at++;
    }
    this.#at++;
    return text;
  }

  #escape(): string {
    const code = this.#tryMatch(/\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{1,2})/y);
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code.slice(2), 16));
    const letter = this.#text[this.#at + 1];
    if (letter === undefined) throw this.#error('it ends after "\\"');
    this.#at += 2;
    return ESCAPES[letter] ?? letter;
  }

  /** The number of a character. */
  #character(): number {
    const bytes = new TextEncoder().encode(this.#quoted("'"));
    const [byte, more] = bytes;
    if (byte === undefined || more !== undefined) throw this.#error('single quotes hold one character');
    return byte;
  }

  #word(): unknown {
    const word = this.#match(/[-+.\w]+/y, 'a value is missing');
    const number = parseNumber(word);
    if (number !== undefined) return number;
    if (!/^[A-Za-z_]\w*$/.test(word)) throw this.#error(`${quote(word)} is neither a number nor a name`);
    return KEYWORDS.has(word) ? KEYWORDS.get(word) : word;
  }

  #space(): void {
    this.#tryMatch(/\s*/y);
  }

  #sees(text: string): boolean {
    this.#space();
    return this.#text.startsWith(text, this.#at);
  }

  #takes(text: string): boolean {
    const found = this.#sees(text);
    if (found) this.#at += text.length;
    return found;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#error(`${quote(text)} is missing`);
  }

  #match(pattern: RegExp, why: string): string {
    const found = this.#tryMatch(pattern);
    if (found === undefined) throw this.#error(why);
    return found;
  }

  /** `pattern` is sticky. */
  #tryMatch(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(why: string) {
    const place =
      this.#at > 0 ? ` (after ${quote(this.#text.slice(Math.max(0, this.#at - 20), this.#at))})` : '';
    return literalError(this.#text, `${why}${place}`);
  }
}
