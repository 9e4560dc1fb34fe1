/**
 * Variables of entries, written while programs run.
 *
 * All values are checked before the first is written. Where a section can be mapped into memory, only the bytes that a value
 * gives are written, in the largest words that fit, so that a program sees the old number or the new one; other sections are
 * read and written as a whole.
 */

import { type Assigned, applyAssigned, assignedBits, parseLiteral } from '../../btf/index.ts';
import { type Problem, quote, RootletError, usageError, within } from '../../diag/index.ts';
import { type BpfMap, HOST_ORDER } from '../../kernel/index.ts';
import { untypedBytes } from '../../object/index.ts';
import type { Store } from '../../store/index.ts';
import { BPF_F_MMAPABLE } from '../../uapi/index.ts';
import { isConstant, requireWritable } from './access.ts';
import { find, type NamedItem, pathText, type Step } from './find.ts';
import { partOf, sectionBytes, variableValue } from './read.ts';
import type { EntryVariable, EntryView } from './view.ts';

/** A variable, or a part of it, and the value that it gets. */
export interface Setting {
  readonly view: EntryView;
  readonly variable: EntryVariable;
  readonly path: readonly Step[];
  /** As it was written. */
  readonly text: string;
  readonly assigned: Assigned;
}

/** What was set. The bytes are those of the whole variable. */
export interface SetOutcome extends Setting {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Whether others that write to the section at the same time may lose what they write. */
  readonly shares: 'section' | 'byte' | 'nothing';
}

/**
 * Sets variables, `NAME.VARIABLE` → value as text. What is opened is put into `views`, which the caller closes. Throws every
 * problem of the names and values together, before anything is written: `store-no-entry`, `value-unknown`,
 * `value-ambiguous`, `value-read-only`, `value-mismatch`, `value-literal`.
 */
export function setVariables(
  store: Store,
  pairs: readonly (readonly [name: string, value: string])[],
  dryRun: boolean,
  views: EntryView[],
): SetOutcome[] {
  const settings = checked(store, pairs, views);
  return settings.map(setting => apply(setting, dryRun));
}

function checked(
  store: Store,
  pairs: readonly (readonly [name: string, value: string])[],
  views: EntryView[],
): Setting[] {
  const problems: Problem[] = [];
  const settings = pairs.flatMap(([name, text]): Setting[] => {
    try {
      return [within(name, () => settingOf(find(store, name, views), name, text))];
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new RootletError(problems);
  return settings;
}

function settingOf({ view, item, path }: NamedItem, name: string, text: string): Setting {
  if (item?.kind !== 'variable')
    throw usageError('value-unknown', `${quote(name)} is not a variable`, {
      hint: item === undefined ? 'NAME.VARIABLE=VALUE' : '"rootlet map put" writes elements of maps',
    });
  requireVariable(view, item, path.length === 0 ? text : 'VALUE'); // --set takes whole variables
  partOf(item.name, variableValue(item, sectionBytes(item.in)), path); // throws for a part that there is not
  return { view, variable: item, path, text, assigned: assignedTo(item, nested(path, parseLiteral(text))) };
}

/** Constants have a remedy of their own. */
function requireVariable(
  { entry }: EntryView,
  { in: map, name, section }: EntryVariable,
  text: string,
): void {
  if (!isConstant(map)) {
    requireWritable(map);
    return;
  }
  throw usageError('value-read-only', `is a constant of the programs (${section})`, {
    hint:
      section === '.kconfig'
        ? 'it is a value of the configuration of the kernel'
        : `rootlet replace ${entry.name} --set ${name}=${text} loads the programs again with another value`,
  });
}

/** `limit.rate[2]` as the value of `limit` in which nothing else is given. */
function nested(path: readonly Step[], value: unknown): unknown {
  return path.reduceRight((inner, step) => {
    if (typeof step === 'string') return Object.assign(Object.create(null), { [step]: inner });
    const list: unknown[] = [];
    list[step] = inner;
    return list;
  }, value);
}

function assignedTo({ in: map, type, size }: EntryVariable, value: unknown): Assigned {
  const { types } = map;
  if (types !== undefined && type !== 0 && !(value instanceof Uint8Array))
    return assignedBits({ btf: types.btf, order: HOST_ORDER }, type, value, size);
  const bytes = value instanceof Uint8Array ? value : untypedBytes(value, size, HOST_ORDER);
  if (bytes?.length !== size) throw usageError('value-mismatch', `its value has ${size} bytes: hex:0a0b...`);
  return { bytes, mask: new Uint8Array(size).fill(0xff) };
}

// --- writing ------------------------------------------------------------------------------------------------------

function apply(setting: Setting, dryRun: boolean): SetOutcome {
  const { in: map, offset, size } = setting.variable;
  const section = sectionBytes(map).slice();
  const variable = section.subarray(offset, offset + size);
  const before = variable.slice();
  applyAssigned(setting.assigned, variable);
  const { mask } = setting.assigned;
  const isMapped = isMappable(map.map);
  if (!dryRun && isMapped) writeMapped(map.map, section, offset, mask);
  else if (!dryRun) map.map.update(new Uint8Array(map.map.keySize), section);
  const sharesByte = mask.some(bits => bits !== 0 && bits !== 0xff);
  const shares = isMapped ? (sharesByte ? 'byte' : 'nothing') : 'section';
  return { ...setting, before, after: variable.slice(), shares };
}

function isMappable({ flags }: BpfMap): boolean {
  return Math.floor(flags / BPF_F_MMAPABLE) % 2 === 1;
}

function writeMapped(map: BpfMap, section: Uint8Array, offset: number, mask: Uint8Array): void {
  const mapping = map.mmap('read-write', map.valueSize);
  try {
    for (const [first, last] of givenRanges(mask))
      storeWords(mapping.bytes, section, offset + first, offset + last);
  } finally {
    mapping.close();
  }
}

/** Ranges of bytes of which the value gives any bit. */
export function givenRanges(mask: Uint8Array): (readonly [first: number, last: number])[] {
  const ranges: [number, number][] = [];
  for (const [at, bits] of mask.entries()) {
    const range = ranges.at(-1);
    if (bits === 0) continue;
    if (range?.[1] === at) range[1] = at + 1;
    else ranges.push([at, at + 1]);
  }
  return ranges;
}

/** Copies a range into memory in aligned words, each by one store. Both begin at an address that is aligned to 8. */
export function storeWords(memory: Uint8Array, from: Uint8Array, first: number, last: number): void {
  for (let at = first; at < last; ) {
    const size = [8, 4, 2].find(bytes => at % bytes === 0 && at + bytes <= last) ?? 1;
    storeWord(memory, from, at, size);
    at += size;
  }
}

function storeWord(memory: Uint8Array, from: Uint8Array, at: number, size: number): void {
  const { buffer, byteOffset } = memory;
  const little = HOST_ORDER === 'little';
  const view = new DataView(from.buffer, from.byteOffset);
  if (size === 8)
    Atomics.store(new BigInt64Array(buffer, byteOffset + at, 1), 0, view.getBigInt64(at, little));
  else if (size === 4)
    Atomics.store(new Int32Array(buffer, byteOffset + at, 1), 0, view.getInt32(at, little));
  else if (size === 2)
    Atomics.store(new Int16Array(buffer, byteOffset + at, 1), 0, view.getInt16(at, little));
  else Atomics.store(new Int8Array(buffer, byteOffset + at, 1), 0, view.getInt8(at));
}

/** `cfg.rate[2]` */
export function settingName({ variable, path }: Pick<Setting, 'variable' | 'path'>): string {
  return `${variable.name}${pathText(path)}`;
}
