/**
 * Values of kconfig externs: the kernel's build configuration as variables.
 *
 * Here because the loader and the machine take the same values. Mirrors libbpf: `y`, `n` and `m` for bool, tristate and char; texts for char arrays, cut to fit with a
 * note; numbers, range checked, for integers of 1, 2, 4 and 8 bytes.
 */

import { type Btf, type BtfId, skipModifiers } from '../../btf/index.ts';
import type { ByteOrder } from '../../bytes/index.ts';
import { valueAt } from '../../bytes/index.ts';
import {
  counted,
  describeLimit,
  inputError,
  type Limits,
  limitHint,
  limitOf,
  type Problem,
  problem,
  quote,
} from '../../diag/index.ts';

/** What a kconfig variable is declared as. */
export type KconfigType =
  | { readonly kind: 'bool' | 'tristate' | 'char'; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'int'; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'text'; readonly size: number; readonly signed: false };

/** enum libbpf_tristate. */
const TRISTATE = new Map([
  ['n', 0n],
  ['y', 1n],
  ['m', 2n],
]);

/** The kind of variable, or undefined when it cannot hold a configuration value. */
export function kconfigTypeOf(btf: Btf, typeId: BtfId): KconfigType | undefined {
  const id = skipModifiers(btf, typeId);
  const type = id === 0 ? undefined : btf.type(id);
  switch (type?.kind) {
    case 'int':
      if (type.bool) return type.size === 1 ? { kind: 'bool', size: 1, signed: false } : undefined;
      if (type.size === 1) return { kind: 'char', size: 1, signed: type.signed };
      return [2, 4, 8].includes(type.size)
        ? { kind: 'int', size: type.size, signed: type.signed }
        : undefined;
    case 'enum':
      return type.size === 4 && type.name === 'libbpf_tristate'
        ? { kind: 'tristate', size: 4, signed: false }
        : undefined;
    case 'array': {
      const element = btf.type(skipModifiers(btf, type.element));
      const isText = type.length > 0 && element.kind === 'int' && element.size === 1 && !element.bool;
      return isText ? { kind: 'text', size: type.length, signed: false } : undefined;
    }
    default:
      return undefined;
  }
}

/** The bytes of a variable for the text after `CONFIG_X=`. Throws `load-kconfig-value`. */
export function kconfigValue(name: string, type: KconfigType, text: string, order: ByteOrder): Uint8Array {
  if (text === 'y' || text === 'n' || text === 'm') return choiceValue(name, type, text, order);
  if (text.startsWith('"')) return textValue(name, type, text);
  return numberValue(name, type, parseNumber(name, text), order);
}

function choiceValue(name: string, type: KconfigType, text: 'y' | 'n' | 'm', order: ByteOrder): Uint8Array {
  switch (type.kind) {
    case 'bool':
      if (text === 'm') throw mismatch(name, 'is built as a module (m), which a bool cannot represent');
      return encode(text === 'y' ? 1n : 0n, 1, order);
    case 'tristate':
      return encode(valueAt(TRISTATE, text), 4, order);
    case 'char':
      return encode(BigInt(text.charCodeAt(0)), 1, order);
    default:
      throw mismatch(
        name,
        `is ${text}, which its type cannot represent; declare it bool, char or enum libbpf_tristate`,
      );
  }
}

function textValue(name: string, type: KconfigType, text: string): Uint8Array {
  if (type.kind !== 'text') throw mismatch(name, 'is a string; declare it as an array of char');
  if (text.length < 2 || !text.endsWith('"')) throw mismatch(name, 'has an unterminated string');
  const bytes = new Uint8Array(type.size);
  const content = new TextEncoder().encode(text.slice(1, -1));
  bytes.set(content.subarray(0, type.size - 1));
  return bytes;
}

/** A note where the text after `CONFIG_X=` is longer than its variable; undefined where nothing is lost. */
export function cutNote(name: string, type: KconfigType, text: string): string | undefined {
  if (type.kind !== 'text' || !text.startsWith('"')) return undefined;
  const { length } = new TextEncoder().encode(text.slice(1, -1));
  if (length < type.size) return undefined;
  return `kconfig ${quote(name)}: ${text} has ${counted(length, 'byte')} and is cut to ${type.size - 1}: its variable is char[${type.size}]`;
}

/** The problem when kconfig externs take more than the limit `kconfig`; asked before anything is allocated. */
export function kconfigTooLarge(
  objectName: string,
  externs: readonly { readonly name: string; readonly size: number }[],
  limits: Limits | undefined,
): Problem | undefined {
  const total = externs.reduce((sum, { size }) => sum + size, 0);
  const limit = limitOf(limits, 'kconfig');
  if (total <= limit) return undefined;
  const largest = externs.reduce((one, other) => (other.size > one.size ? other : one), {
    name: '',
    size: 0,
  });
  return problem(
    'load-kconfig-value',
    [objectName, `kconfig ${quote(largest.name)}`],
    `takes ${largest.size} bytes; all values of the kernel configuration together take at most ${describeLimit('kconfig', limit)}`,
    { hint: limitHint('kconfig', limit, 'declare the array no longer than the text', total) },
  );
}

function parseNumber(name: string, text: string): bigint {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  if (!/^(0x[0-9a-fA-F]{1,16}|0o[0-7]{1,22}|[0-9]{1,20})$/.test(octal))
    throw mismatch(name, `has the value ${quote(text)}, which is not a number`);
  return negative ? -BigInt(octal) : BigInt(octal);
}

/** A number as the variable's bytes. Throws `load-kconfig-value` when it does not fit. */
export function numberValue(name: string, type: KconfigType, value: bigint, order: ByteOrder): Uint8Array {
  if (type.kind === 'text' || type.kind === 'tristate')
    throw mismatch(name, 'is a number; declare it as an integer');
  const bits = BigInt(type.size * 8);
  const low = type.signed ? -(1n << (bits - 1n)) : 0n;
  const high = type.kind === 'bool' ? 1n : (1n << (type.signed ? bits - 1n : bits)) - 1n;
  const fits = type.size === 8 ? value >= -(1n << 63n) && value < 1n << 64n : value >= low && value <= high;
  if (!fits) throw mismatch(name, `is ${value}, which does not fit into ${counted(type.size, 'byte')}`);
  return encode(value, type.size, order);
}

function encode(value: bigint, size: number, order: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    bytes[order === 'little' ? at : size - 1 - at] = Number((value >> BigInt(at * 8)) & 0xffn);
  }
  return bytes;
}

function mismatch(name: string, message: string) {
  return inputError('load-kconfig-value', [`kconfig ${quote(name)}`], message);
}

/** The values of the wanted names in a configuration file; the first line counts. */
export function findInConfig(text: string, wanted: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0 || !line.startsWith('CONFIG_')) continue;
    const name = line.slice(0, equals);
    if (wanted.has(name) && !found.has(name)) found.set(name, line.slice(equals + 1).trimEnd());
  }
  return found;
}
