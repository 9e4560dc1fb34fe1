/**
 * Strings in the machine's memory as strings of JavaScript, one character per byte.
 *
 * Programs print the same few strings again and again. What was read at an address is kept with its bytes; as
 * long as those are the same, reading again costs a comparison.
 */

import { type ParsedFormat, parseFormat } from './format.ts';
import type { MachineMemory } from './memory.ts';

interface KnownText {
  readonly text: string;
  /** Undefined until it is requested. */
  format: ParsedFormat | undefined;
}

/** Strings at more addresses than this are forgotten all at once. */
const MAX_KNOWN = 1000;

export class TextReader {
  readonly #memory: MachineMemory;
  readonly #known = new Map<number, KnownText>();

  constructor(memory: MachineMemory) {
    this.#memory = memory;
  }

  /** The string at `address`, up to a NUL or `limit` bytes. The caller has checked that they can be read. */
  read(address: number, limit: number): string {
    return this.#at(address, limit).text;
  }

  /** The same as a format. */
  format(address: number, limit: number): ParsedFormat {
    const known = this.#at(address, limit);
    known.format ??= parseFormat(known.text);
    return known.format;
  }

  #at(address: number, limit: number): KnownText {
    const known = this.#known.get(address);
    if (known !== undefined && this.#isStill(known.text, address, limit)) return known;
    const fresh: KnownText = { text: this.#decode(address, limit), format: undefined };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(address, fresh);
    return fresh;
  }

  #isStill(text: string, address: number, limit: number): boolean {
    const { view } = this.#memory;
    const { length } = text;
    if (length > limit) return false;
    for (let i = 0; i < length; i++) if (view.getUint8(address + i) !== text.charCodeAt(i)) return false;
    return length === limit || view.getUint8(address + length) === 0;
  }

  #decode(address: number, limit: number): string {
    let text = '';
    for (let i = 0; i < limit; i++) {
      const byte = this.#memory.u8(address + i);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
