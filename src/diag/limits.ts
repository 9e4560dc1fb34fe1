/**
 * Limits of what an input may take, declared once: readers, kernels, options, hints and docs/robustness.md have
 * them from here. Separate from what is limited, because the layers share the option that changes them.
 */

import type { CodeOf } from './codes.ts';
import { counted, type RootletError, usageError } from './problem.ts';
import { available, didYouMean } from './suggest.ts';

/** Multiples of bytes, the largest first. */
export const SIZE_UNITS = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

const [GIB, MIB, KIB] = [2 ** 30, 2 ** 20, 2 ** 10];

/** Addresses of an image are positive 32-bit numbers; its memory has pages of 64 KiB. */
const MOST_MEMORY = 2 * GIB - 64 * KIB;

/** One limit. */
export interface LimitRule {
  /** In `unit`, as are `least` and `most`. */
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** `bytes`: a size, written as `64MiB`. Others are whole numbers. */
  readonly unit: 'bytes' | 'times' | 'number';
  /** The problem of an input that needs more. */
  readonly code: CodeOf<'input'>;
  /** What it bounds, as the documents describe it. */
  readonly bounds: string;
}

/** All limits by the names that `--limits` and the options `limits` of the library have. */
export const LIMITS = {
  memory: {
    value: MOST_MEMORY,
    least: MIB,
    most: MOST_MEMORY,
    unit: 'bytes',
    code: 'image-limit',
    bounds: 'memory for the files of one link, and for what is made of them',
  },
  btf: {
    value: 64 * MIB,
    least: KIB,
    most: MOST_MEMORY,
    unit: 'bytes',
    code: 'btf-too-large',
    bounds: '`.BTF`, and `.BTF.ext`, of one file',
  },
  names: {
    value: 4,
    least: 1,
    most: 1024,
    unit: 'times',
    code: 'elf-string-budget',
    bounds: 'names of one string table together, as a multiple of the file; and 4 KiB',
  },
  text: {
    value: 16,
    least: 1,
    most: 1024,
    unit: 'times',
    code: 'btf-c-too-large',
    bounds: 'types written as C, as a multiple of the bytes of types and strings; and 1 MiB',
  },
  zeros: {
    value: 256 * MIB,
    least: 1,
    most: 2 * GIB - 1,
    unit: 'bytes',
    code: 'link-section-size',
    bounds: 'zeros of one section that are written out because it leaves `.bss`',
  },
  kconfig: {
    value: MIB,
    least: 1,
    most: GIB,
    unit: 'bytes',
    code: 'load-kconfig-value',
    bounds: 'all values of the kernel configuration of one object',
  },
  document: {
    value: MIB,
    least: KIB,
    most: 64 * MIB,
    unit: 'bytes',
    code: 'chain-document-limit',
    bounds: 'a file that declares chains',
  },
  nodes: {
    value: 100_000,
    least: 1,
    most: 10_000_000,
    unit: 'number',
    code: 'chain-document-limit',
    bounds: 'values in a file that declares chains, those of aliases included',
  },
  budget: {
    value: 2 ** 28,
    least: 1,
    most: 2 ** 31 - 1,
    unit: 'number',
    code: 'vm-budget',
    bounds: 'backward jumps and calls of a program for one packet, in the machine',
  },
  machine: {
    value: 2 * GIB,
    least: 1,
    most: 4 * GIB,
    unit: 'bytes',
    code: 'vm-memory-limit',
    bounds: 'memory of the machine for maps and variables, half of it for its checks',
  },
  picture: {
    value: 600,
    least: 1,
    most: 100_000,
    unit: 'number',
    code: 'picture-limit',
    bounds: 'nodes and edges of a picture',
  },
} as const satisfies Readonly<Record<string, LimitRule>>;

/** Name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** Other values than those of `LIMITS`, in the units of their rules. */
export type Limits = { readonly [N in LimitName]?: number };

/** The largest limits: of objects that were accepted before, as those of records. */
export const WIDEST_LIMITS: Limits = Object.fromEntries(
  Object.entries(LIMITS).map(([name, { most }]) => [name, most]),
);

/** All names, in the order of the table. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[]; // the keys are exactly these

/** What counts: the value that is given, else that of the table. Throws `usage-limits` for one out of range. */
export function limitOf(limits: Limits | undefined, name: LimitName): number {
  const given = limits?.[name];
  if (given === undefined) return LIMITS[name].value;
  requireLimit(name, given);
  return given;
}

/** Throws `usage-limits` for names and values that there are none of: what a caller without types may give. */
export function requireLimits(limits: Limits | undefined): void {
  for (const [name, value] of Object.entries(limits ?? {})) {
    const known = requireLimitName(name, LIMIT_NAMES);
    if (value !== undefined) requireLimit(known, value);
  }
}

/** The limit of that name, which must be one of `names`. Throws `usage-limits`. */
export function requireLimitName(name: string, names: readonly LimitName[]): LimitName {
  const known = names.find(one => one === name);
  if (known !== undefined) return known;
  const elsewhere = LIMIT_NAMES.some(one => one === name) ? 'has no effect here' : 'is not a limit';
  throw limitError(`"${name}" ${elsewhere}`, didYouMean(name, names, available('there are', names)));
}

/** Throws `usage-limits` for a value out of the range of a limit. */
export function requireLimit(name: LimitName, value: number): void {
  const { least, most } = LIMITS[name];
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw limitError(
    `${name}: ${value} is not a whole number from ${spell(name, least)} to ${spell(name, most)}`,
  );
}

/** An error of what `--limits` or an option `limits` was given. */
export function limitError(message: string, extras: { readonly hint?: string } = {}): RootletError {
  return usageError('usage-limits', `limit ${message}`, extras);
}

/** A value as it is given: `64MiB`, `8`. */
export function spell(name: LimitName, value: number): string {
  return LIMITS[name].unit === 'bytes' ? spellSize(value) : String(value);
}

/** `64MiB`, `100000`: the largest unit that leaves a whole number. */
export function spellSize(bytes: number): string {
  const [unit, factor] = SIZE_UNITS.find(([, each]) => bytes >= each && bytes % each === 0) ?? ['', 1];
  return `${bytes / factor}${unit}`;
}

/** A value in a sentence: `64 MiB`, `8 times`. */
export function describeLimit(name: LimitName, value: number): string {
  const { unit } = LIMITS[name];
  if (unit === 'times') return counted(value, 'time');
  if (unit === 'number') return String(value);
  const size = spellSize(value);
  return /^\d+$/.test(size) ? counted(value, 'byte') : size.replace(/[A-Z]/, ' $&');
}

/**
 * How to have more: `raise the limit: --limits btf=128MiB`. `needed`: what would do, where that is known.
 * Undefined where no value would do.
 */
export function raiseHint(name: LimitName, value: number, needed = value + 1): string | undefined {
  const { least, most } = LIMITS[name];
  if (needed > most) return undefined;
  let next = Math.max(value, least);
  while (next < needed) next *= 2;
  return `raise the limit: --limits ${name}=${spell(name, Math.min(next, most))} (option limits)`;
}

/** What `raiseHint` has, and what else helps. */
export function limitHint(name: LimitName, value: number, others: string, needed?: number): string {
  const raise = raiseHint(name, value, needed);
  return raise === undefined ? others : `${others}, or ${raise}`;
}
