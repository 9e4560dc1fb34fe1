/** Helpers that work with text: formatting, comparing, and reading numbers. */

import { EINVAL, ERANGE } from '../../uapi/index.ts';
import { type FormatSource, formatPieces, type MachineState, READ } from '../state/index.ts';
import { type Helper, helper } from './spec.ts';

function sourceOf(machine: MachineState, argument: (index: number) => bigint | undefined): FormatSource {
  return {
    argument,
    text: (address, limit) => (address > MAX_ADDRESS ? '' : readAllowed(machine, Number(address), limit)),
    bytes(address, size) {
      const at = Number(address);
      if (address > MAX_ADDRESS || !machine.allowed(at, size, READ)) return new Uint8Array(size);
      return machine.memory.bytes.subarray(at, at + size);
    },
  };
}

const MAX_ADDRESS = 0xffffffffn;

/** The string at `address` as far as the program may read it. */
function readAllowed(machine: MachineState, address: number, limit: number): string {
  const { memory } = machine;
  let length = 0;
  while (length < limit && machine.allowed(address + length, 1, READ) && memory.u8(address + length) !== 0)
    length++;
  return machine.texts.read(address, length);
}

/** A format that is used often is parsed once. */
function format(
  machine: MachineState,
  address: number,
  limit: number,
  source: FormatSource,
): string | undefined {
  const pieces = machine.texts.format(address, limit);
  return pieces === null ? undefined : formatPieces(pieces, source);
}

function tracePrintk(machine: MachineState, at: number, size: number, ...halves: number[]): number {
  const source = sourceOf(machine, index => {
    const [low, high] = [halves[index * 2], halves[index * 2 + 1]];
    if (low === undefined || high === undefined) return undefined;
    return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  });
  return emitLine(machine, format(machine, at, size, source));
}

function emitLine(machine: MachineState, text: string | undefined): number {
  if (text === undefined) return -EINVAL;
  machine.trace(text);
  return text.length;
}

/** Arguments as an array of u64 in memory. */
function arraySource(machine: MachineState, data: number, size: number): FormatSource {
  return sourceOf(machine, index =>
    (index + 1) * 8 <= size >>> 0 ? machine.memory.u64(data + index * 8) : undefined,
  );
}

function traceVprintk(
  machine: MachineState,
  at: number,
  size: number,
  data: number,
  dataSize: number,
): number {
  if (dataSize % 8 !== 0) return -EINVAL;
  return emitLine(machine, format(machine, at, size, arraySource(machine, data, dataSize)));
}

/** Longest format of `bpf_snprintf` that is looked at. */
const MAX_FORMAT = 0x10000;

/** Writes as much as fits, always with a NUL; returns what would have been needed. */
function snprintf(
  machine: MachineState,
  to: number,
  size: number,
  at: number,
  data: number,
  dataSize: number,
): number {
  if (dataSize % 8 !== 0) return -EINVAL;
  const text = format(machine, at, MAX_FORMAT, arraySource(machine, data, dataSize));
  if (text === undefined) return -EINVAL;
  const fits = Math.min(text.length, Math.max((size >>> 0) - 1, 0));
  for (let i = 0; i < fits; i++) machine.memory.setU8(to + i, text.charCodeAt(i));
  if (size >>> 0 > 0) machine.memory.setU8(to + fits, 0);
  return text.length + 1;
}

function strncmp(machine: MachineState, a: number, size: number, b: number): number {
  for (let i = 0; i < size >>> 0; i++) {
    const [left, right] = [machine.memory.u8(a + i), machine.memory.u8(b + i)];
    if (left !== right) return left < right ? -1 : 1;
    if (left === 0) return 0;
  }
  return 0;
}

const WHITE_SPACE = ' \t\n\v\f\r\u00a0';
const MAX_NUMBER_TEXT = 63;

interface Parsed {
  readonly negative: boolean;
  readonly magnitude: bigint;
  /** Characters read, white space and sign included. */
  readonly length: number;
}

/** A number as the kernel's `simple_strtoull` reads it; a negative errno for none. */
function parseNumber(text: string, base: number): Parsed | number {
  let at = 0;
  while (at < text.length && WHITE_SPACE.includes(text.charAt(at))) at++;
  const negative = text.charAt(at) === '-';
  if (negative) at++;
  const limit = Math.min(text.length, at + MAX_NUMBER_TEXT);
  const hex = text.slice(at, at + 2).toLowerCase() === '0x' && digitOf(text, at + 2) < 16;
  const octal = text.charAt(at) === '0';
  const radix = base !== 0 ? base : hex ? 16 : octal ? 8 : 10;
  if (radix === 16 && hex) at += 2;
  const start = at;
  let magnitude = 0n;
  for (; at < limit && digitOf(text, at) < radix; at++)
    magnitude = magnitude * BigInt(radix) + BigInt(digitOf(text, at));
  if (at === start) return -EINVAL;
  return magnitude > 0xffffffffffffffffn ? -ERANGE : { negative, magnitude, length: at };
}

/** 99 for what is no digit. */
function digitOf(text: string, at: number): number {
  const code = text.charCodeAt(at) | 0x20;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : 99;
}

function parseArgument(machine: MachineState, at: number, size: number, flags: number): Parsed | number {
  if (size >>> 0 === 0 || ![0, 8, 10, 16].includes(flags)) return -EINVAL;
  return parseNumber(machine.texts.read(at, size >>> 0), flags);
}

function strtol(machine: MachineState, at: number, size: number, flags: number, result: number): number {
  const parsed = parseArgument(machine, at, size, flags);
  if (typeof parsed === 'number') return parsed;
  const limit = parsed.negative ? 0x8000000000000000n : 0x7fffffffffffffffn;
  if (parsed.magnitude > limit) return -ERANGE;
  const value = parsed.negative ? -parsed.magnitude : parsed.magnitude;
  machine.memory.setU64(result, BigInt.asUintN(64, value));
  return parsed.length;
}

function strtoul(machine: MachineState, at: number, size: number, flags: number, result: number): number {
  const parsed = parseArgument(machine, at, size, flags);
  if (typeof parsed === 'number') return parsed;
  if (parsed.negative) return -EINVAL;
  machine.memory.setU64(result, parsed.magnitude);
  return parsed.length;
}

export const TEXT_HELPERS: readonly Helper[] = [
  helper('trace_printk', ['memory', 'size', 'u64', 'u64', 'u64'], tracePrintk, {
    note: 'lines are collected and shown with the result',
  }),
  helper('trace_vprintk', ['memory', 'size', 'memory', 'size'], traceVprintk),
  helper('snprintf', ['memory-out', 'size', 'text', 'memory', 'size'], snprintf),
  helper('strncmp', ['memory', 'size', 'text'], strncmp),
  helper('strtol', ['memory', 'size', 'flags', 'out8'], strtol),
  helper('strtoul', ['memory', 'size', 'flags', 'out8'], strtoul),
];
