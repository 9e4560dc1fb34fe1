/** What the tests of this directory share: types by hand, sections by hand, and types from a C compiler. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { COMMANDS } from '../../../test/support/needs.ts';
import { runTool } from '../../../test/support/run.ts';
import { type ByteOrder, encodeText } from '../../bytes/cursor.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { RootletError } from '../../diag/problem.ts';
import { parseElf } from '../../elf/parse.ts';
import { parseBtf } from '../binary/parse.ts';
import { BtfBuilder } from './builder.ts';
import type { RawBtf } from './raw.ts';
import { toRaw } from './to-raw.ts';
import type { BtfId, BtfInt, BtfMember, BtfType } from './types.ts';

export const INT: BtfInt = {
  kind: 'int',
  name: 'int',
  size: 4,
  bits: 32,
  bitOffset: 0,
  signed: true,
  char: false,
  bool: false,
};
export const UNSIGNED: BtfInt = { ...INT, name: 'unsigned int', signed: false };
export const LONG: BtfInt = { ...INT, name: 'long', size: 8, bits: 64 };
export const CHAR: BtfInt = { ...INT, name: 'char', size: 1, bits: 8 };

/** Types with ids from 1 on. */
export function typesOf(...types: readonly BtfType[]): RawBtf {
  const builder = new BtfBuilder();
  for (const type of types) builder.add(type);
  return toRaw(builder.build());
}

export function struct(name: string, size: number, ...members: readonly BtfMember[]): BtfType {
  return { kind: 'struct', name, size, members };
}

/** A member at a byte offset. */
export function member(name: string, type: BtfId, byteOffset: number): BtfMember {
  return { name, type, bitOffset: byteOffset * 8, bitSize: 0 };
}

export function pointer(type: BtfId): BtfType {
  return { kind: 'ptr', type };
}

export interface SectionParts {
  readonly words: readonly number[];
  /** Strings after the empty one, offsets 1, 1 + length + 1, … */
  readonly strings?: readonly string[];
}

/** A `.BTF` section from its words and strings. */
export function sectionOf(order: ByteOrder, { words, strings = [] }: SectionParts): Uint8Array {
  const table = encodeText(['', ...strings, ''].join('\0'));
  const writer = new ByteWriter(order);
  writer.u16(0xeb9f);
  writer.u8(1);
  writer.u8(0);
  for (const word of [24, 0, words.length * 4, words.length * 4, table.length]) writer.u32(word);
  for (const word of words) writer.u32(word);
  writer.bytes(table);
  return writer.finish();
}

/** The error that `body` throws; anything but a `RootletError` is a failure of its own. */
export function errorOf(body: () => unknown): RootletError {
  try {
    body();
  } catch (error) {
    if (error instanceof RootletError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Types by their names, for looking into compiled sections. */
export function idOf(btf: RawBtf, kind: BtfType['kind'], name: string): BtfId {
  for (let id = 1; id <= btf.count; id++) {
    if (btf.nameOf(id) === name && btf.type(id).kind === kind) return id;
  }
  throw new Error(`there is no ${kind} ${name}`);
}

/** Runs `body` with a directory that is gone afterwards. */
export function withDirectory<T>(body: (directory: string) => T): T {
  const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-btf-'));
  try {
    return body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Compiles C for BPF; the file stays in `directory`. */
export function compile(directory: string, name: string, source: string): string {
  const input = path.join(directory, `${name}.c`);
  const output = path.join(directory, `${name}.o`);
  writeFileSync(input, source);
  runTool(COMMANDS.clang, ['-target', 'bpf', '-g', '-O2', '-c', input, '-o', output]);
  return output;
}

export function sectionOfObject(file: string, name: string): Uint8Array {
  const elf = parseElf({ name: file, bytes: readFileSync(file) });
  const section = elf.sections.find(candidate => candidate.name === name);
  if (section === undefined) throw new Error(`${file} has no ${name}`);
  return section.bytes;
}

/** Types that clang makes of a source. */
export function compiledTypes(source: string): RawBtf {
  return withDirectory(directory =>
    toRaw(parseBtf(sectionOfObject(compile(directory, 'types', source), '.BTF'), 'little')),
  );
}
