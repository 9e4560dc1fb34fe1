/**
 * Format strings of `bpf_trace_printk`, `bpf_snprintf` and `bpf_trace_vprintk`: the subset of printf that the
 * kernel allows there. Pointers are printed as they are, since there is nothing to hide.
 */

import { elementAt } from '../../bytes/index.ts';

export interface FormatSource {
  /** The `index`-th argument as u64; undefined when there are fewer. */
  argument(index: number): bigint | undefined;
  /** Bytes of a NUL-terminated string, at most `limit`; '' when they cannot be read. */
  text(address: bigint, limit: number): string;
  /** `size` bytes in memory; zeros when they cannot be read. */
  bytes(address: bigint, size: number): Uint8Array;
}

export interface Specification {
  readonly left: boolean;
  readonly zero: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly width: number;
  readonly long: boolean;
  readonly conversion: string;
}

/** A format cut into text and places for arguments; null where the kernel refuses it. */
export type ParsedFormat = readonly (string | Specification)[] | null;

const MAX_STRING = 512;
const MAX_WIDTH = 1024;

export function parseFormat(format: string): ParsedFormat {
  const pieces: (string | Specification)[] = [];
  let text = '';
  for (let at = 0; at < format.length; ) {
    if (format.charAt(at) !== '%' || format.charAt(at + 1) === '%') {
      text += format.charAt(at);
      at += format.charAt(at) === '%' ? 2 : 1;
      continue;
    }
    const parsed = parseSpecification(format, at + 1);
    if (parsed === undefined) return null;
    pieces.push(text, parsed.specification);
    text = '';
    at = parsed.end;
  }
  pieces.push(text);
  return pieces.filter(piece => piece !== '');
}

/** The text; undefined where an argument is missing. */
export function formatPieces(
  pieces: readonly (string | Specification)[],
  source: FormatSource,
): string | undefined {
  let text = '';
  let used = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const argument = source.argument(used++);
    if (argument === undefined) return undefined;
    const converted = convert(piece, argument, source);
    text += piece.width === 0 ? converted : pad(converted, piece);
  }
  return text;
}

/** Also returns the end of the specification. */
function parseSpecification(
  format: string,
  start: number,
): { readonly specification: Specification; readonly end: number } | undefined {
  let at = start;
  const flags = new Set<string>();
  for (; at < format.length && '-+ 0#'.includes(format.charAt(at)); at++) flags.add(format.charAt(at));
  let width = 0;
  for (; isDigit(format.charAt(at)); at++)
    width = Math.min(MAX_WIDTH, width * 10 + Number(format.charAt(at)));
  let long = false;
  for (let count = 0; format.charAt(at) === 'l' && count < 2; count++, at++) long = true;
  const conversion = conversionAt(format, at, long);
  if (conversion === undefined) return undefined;
  const specification = {
    left: flags.has('-'),
    zero: flags.has('0'),
    plus: flags.has('+'),
    space: flags.has(' '),
    width,
    long,
    conversion,
  };
  return { specification, end: at + conversion.length };
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function conversionAt(format: string, at: number, long: boolean): string | undefined {
  const character = format.charAt(at);
  if ('diuxX'.includes(character) && character !== '') return character;
  if (long) return undefined;
  if (character === 'c' || character === 's') return character;
  if (character !== 'p') return undefined;
  const three = format.slice(at, at + 3);
  if (['pi4', 'pI4', 'pi6', 'pI6', 'pks', 'pus'].includes(three)) return three;
  const two = format.slice(at, at + 2);
  return ['pK', 'px', 'pB', 'ps', 'pS'].includes(two) ? two : 'p';
}

function convert(specification: Specification, argument: bigint, source: FormatSource): string {
  const bits = specification.long ? 64 : 32;
  switch (specification.conversion) {
    case 'd':
    case 'i':
      return signed(BigInt.asIntN(bits, argument), specification);
    case 'u':
      return BigInt.asUintN(bits, argument).toString();
    case 'x':
      return BigInt.asUintN(bits, argument).toString(16);
    case 'X':
      return BigInt.asUintN(bits, argument).toString(16).toUpperCase();
    case 'c':
      return String.fromCharCode(Number(argument & 0xffn));
    case 's':
    case 'pks':
    case 'pus':
      return source.text(argument, MAX_STRING);
    case 'pi4':
    case 'pI4':
      return ipv4(source.bytes(argument, 4), specification.conversion === 'pi4');
    case 'pi6':
    case 'pI6':
      return ipv6(source.bytes(argument, 16), specification.conversion === 'pi6');
    default:
      return argument.toString(16).padStart(16, '0');
  }
}

function signed(value: bigint, specification: Specification): string {
  if (value < 0n) return value.toString();
  return `${specification.plus ? '+' : specification.space ? ' ' : ''}${value}`;
}

/** `%pi4` has leading zeros, `%pI4` has not. */
function ipv4(bytes: Uint8Array, zeros: boolean): string {
  return [...bytes].map(byte => String(byte).padStart(zeros ? 3 : 1, '0')).join('.');
}

/** `%pi6` has no colons. */
function ipv6(bytes: Uint8Array, plain: boolean): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((elementAt(bytes, i) << 8) | elementAt(bytes, i + 1)).toString(16).padStart(4, '0'));
  }
  return groups.join(plain ? '' : ':');
}

function pad(piece: string, { left, zero, width, conversion }: Specification): string {
  if (left) return piece.padEnd(width);
  if (!zero || !'diuxX'.includes(conversion)) return piece.padStart(width);
  const sign = piece.startsWith('-') || piece.startsWith('+') || piece.startsWith(' ') ? piece.charAt(0) : '';
  return sign + piece.slice(sign.length).padStart(width - sign.length, '0');
}
