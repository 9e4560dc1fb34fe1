/** What is done with the inputs of a case, and what must be true of it: one function for each target. */

import { disassembleObject } from '../../cli/format/disassembly.ts';
import { encodeBtf } from '../../src/btf/binary/encode.ts';
import { parseBtf } from '../../src/btf/binary/parse.ts';
import { formatBtfAsC } from '../../src/btf/c/format-c.ts';
import { mergeBtf } from '../../src/btf/merge/merge.ts';
import type { ByteOrder } from '../../src/bytes/cursor.ts';
import { parseArchive } from '../../src/elf/archive.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { link } from '../../src/link/link.ts';
import { relink } from '../../src/link/relink.ts';
import { relinkChain } from '../../src/link/relink-chain.ts';
import { inspect } from '../../src/link/report/inspect.ts';
import type { BpfObject } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { CaptureDecoder } from '../../src/vm/capture/decoder.ts';
import type { SeededRandom } from '../hostile/random.ts';
import { attempt, promise } from './check.ts';
import { loadDry } from './load-target.ts';
import { randomProgram, runObject, sameMeaning } from './machine-target.ts';
import { opensAsBefore } from './oracle-target.ts';
import type { SeedFile } from './seeds.ts';

export type Target = (inputs: readonly SeedFile[], random: SeededRandom) => void;

function first(inputs: readonly SeedFile[]): SeedFile {
  const [input] = inputs;
  if (input === undefined) throw new Error('a case without inputs');
  return input;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** What is written can be read, writing it again changes nothing, and linking it alone changes nothing. */
export function checkWritten(object: BpfObject, keepDebug = false): Uint8Array | undefined {
  const bytes = attempt('writing', () => writeObject(object));
  if (bytes === undefined) return undefined;
  const again = attempt('reading what was written', () =>
    readObject({ name: 'written.o', bytes }, { keepDebug }),
  );
  promise(again !== undefined, 'what was written is refused', refusalOf(bytes));
  if (again === undefined) return bytes;
  promise(isSame(writeObject(again), bytes), 'writing again changes bytes');
  const [symbols, others] = [object.symbols.filter(isNamed), again.symbols.filter(isNamed)];
  promise(
    symbols.length === others.length,
    'symbols are lost by writing',
    `${symbols.length} symbols are ${others.length} after writing`,
  );
  return bytes;
}

function isNamed({ kind, name }: BpfObject['symbols'][number]): boolean {
  return kind === 'function' || kind === 'map' || name !== '';
}

function refusalOf(bytes: Uint8Array): string {
  try {
    readObject({ name: 'written.o', bytes });
    return 'what was written is refused';
  } catch (error) {
    return `what was written is refused: ${String(error)}`;
  }
}

/** Linking a complete result again gives the same bytes. */
function checkIdempotent(bytes: Uint8Array, partial: boolean): void {
  const again = attempt('linking again', () => link([{ name: 'linked.o', bytes }], { partial }));
  promise(again?.ok === true, 'a linked object is refused', problemsOf(again));
  if (again?.ok === true) promise(isSame(writeObject(again.object), bytes), 'linking again changes bytes');
}

function problemsOf(result: ReturnType<typeof link> | undefined): string {
  return `a linked object is refused: ${result?.ok === false ? JSON.stringify(result.problems) : ''}`;
}

const objectTarget: Target = inputs => {
  const object = attempt('reading', () => readObject(first(inputs)));
  if (object !== undefined) checkWritten(object);
};

const linkTarget: Target = (inputs, random) => {
  const options = {
    partial: random.below(3) === 0,
    foldIdentical: random.below(4) === 0,
    gcSections: random.below(3) === 0,
    foldText: random.below(6) === 0,
    keepDebug: random.below(8) === 0,
  };
  const linked = attempt('linking', () => link(inputs, options));
  if (linked?.ok !== true) return;
  const bytes = checkWritten(linked.object, options.keepDebug);
  if (bytes !== undefined && !options.keepDebug) checkIdempotent(bytes, options.partial);
};

const relinkTarget: Target = (inputs, random) => {
  const [rootlet, ...components] = inputs;
  if (rootlet === undefined) return;
  const slots = ['dummy1', 'dummy2', 'dummy3'];
  const result =
    random.below(3) === 0
      ? attempt('linking a chain', () => relinkChain(inputs.map(component => ({ component }))))
      : attempt('re-linking', () =>
          relink(
            rootlet,
            components.slice(0, 2).map((component, index) => ({ slot: slots[index] ?? '', component })),
          ),
        );
  if (result?.ok === true) checkWritten(result.object);
};

const inspectTarget: Target = inputs => {
  const input = first(inputs);
  const object = attempt('reading with faults', () => readObject(input, { onProblems: () => undefined }));
  if (object === undefined) return;
  attempt('inspecting', () => JSON.stringify(inspect(object)));
  attempt('disassembling', () => disassembleObject(object));
  const { btf } = object;
  if (btf !== null) attempt('types as C', () => formatBtfAsC(btf));
};

const optimizeTarget: Target = (inputs, random) => {
  const plain = attempt('linking', () => link(inputs.slice(0, 1)));
  if (plain?.ok !== true) return;
  const optimized = attempt('optimizing', () => link(inputs.slice(0, 1), { optimize: {} }));
  if (optimized?.ok !== true) return;
  checkWritten(optimized.object);
  sameMeaning(plain.object, optimized.object, random);
};

const archiveTarget: Target = (inputs, random) => {
  const archive = first(inputs);
  attempt('reading an archive', () => parseArchive(archive));
  const wholeArchive = random.below(2) === 0;
  const linked = attempt('linking an archive', () =>
    link([...inputs.slice(1), { ...archive, wholeArchive }]),
  );
  if (linked?.ok === true) checkWritten(linked.object);
};

/** Packets are the same however the file is divided. */
const captureTarget: Target = (inputs, random) => {
  const input = first(inputs);
  const whole = attempt('reading a capture', () => packetsOf(input, input.bytes.length));
  const pieces = attempt('reading a capture in pieces', () => packetsOf(input, 1 + random.below(40)));
  promise(whole === pieces, 'a capture in pieces differs', `${whole}\n${pieces}`);
};

function packetsOf({ name, bytes }: SeedFile, size: number): string {
  const decoder = new CaptureDecoder(name);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    decoder.push(bytes.subarray(at, at + size));
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      promise(packet.offset + packet.length <= packet.bytes.length, 'a packet is not in its bytes');
      found.push(
        `${packet.number} ${packet.length} ${packet.originalLength} ${JSON.stringify(packet.timestamp)}`,
      );
    }
  }
  const problem = decoder.end();
  return [...found, problem?.code].join('\n');
}

/** Types alone: they are read, written, merged with themselves and printed. */
const typesTarget: Target = inputs => {
  const file = attempt('reading the file', () => parseElf(first(inputs)));
  const section = file?.sections.find(({ name }) => name === '.BTF');
  if (file === undefined || section === undefined) return;
  const order: ByteOrder = file.byteOrder;
  const btf = attempt('reading types', () => parseBtf(section.bytes, order));
  if (btf === undefined) return;
  attempt('types as C', () => formatBtfAsC(btf));
  const bytes = encodeBtf(btf, order);
  promise(isSame(encodeBtf(parseBtf(bytes, order), order), bytes), 'writing types again changes bytes');
  const once = attempt('merging types', () => mergeBtf([{ btf }, { btf }]));
  if (once === undefined) return;
  const twice = mergeBtf([{ btf: once.btf }]);
  promise(
    twice.after === once.after,
    'merging types again finds more',
    `${once.after} types are ${twice.after}`,
  );
};

/** How often each is chosen: what is fast, and what reads most. */
export const TARGETS: ReadonlyMap<string, { readonly weight: number; readonly run: Target }> = new Map([
  ['object', { weight: 120, run: objectTarget }],
  ['link', { weight: 30, run: linkTarget }],
  ['relink', { weight: 8, run: relinkTarget }],
  ['inspect', { weight: 16, run: inspectTarget }],
  ['types', { weight: 16, run: typesTarget }],
  ['load', { weight: 10, run: inputs => loadDry(first(inputs)) }],
  ['archive', { weight: 8, run: archiveTarget }],
  ['capture', { weight: 8, run: captureTarget }],
  ['run', { weight: 2, run: (inputs, random) => runObject(first(inputs), random) }],
  ['optimize', { weight: 1, run: optimizeTarget }],
  ['code', { weight: 1, run: (_inputs, random) => randomProgram(random) }],
  ['oracle', { weight: 0, run: inputs => opensAsBefore(first(inputs)) }],
]);
