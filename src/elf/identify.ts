/**
 * What a file is, by its first bytes.
 *
 * Common wrong inputs of a linker are archives, bitcode, native objects, sources and failed downloads. Each
 * gets one line that states what it is and how to build a BPF object, instead of "bad magic".
 */

import { viewOf } from '../bytes/index.ts';
import { EM_BPF, ET_CORE, ET_DYN, ET_EXEC, ET_REL } from './constants.ts';

/** What a file is. */
export interface FileIdentity {
  readonly kind:
    | 'bpf-object'
    | 'elf-other'
    | 'elf-truncated'
    | 'archive'
    | 'thin-archive'
    | 'bitcode'
    | 'llvm-ir'
    | 'c-source'
    | 'assembly'
    | 'wasm'
    | 'mach-o'
    | 'pe'
    | 'coff'
    | 'btf'
    | 'pcap'
    | 'compressed'
    | 'lfs-pointer'
    | 'html'
    | 'script'
    | 'text'
    | 'empty'
    | 'unknown';
  /** With its article, to be after "is": `an x86-64 object`. */
  readonly description: string;
  /** How to get a BPF object instead; absent where there is no general advice. */
  readonly hint?: string;
}

const COMPILE = 'compile with: clang -target bpf -g -O2 -c foo.bpf.c -o foo.o';

/** Kind of a file from its contents; its name plays no part. Never throws. */
export function identify(bytes: Uint8Array): FileIdentity {
  if (bytes.length === 0) return { kind: 'empty', description: 'an empty file', hint: COMPILE };
  if (startsWith(bytes, 0x7f, 0x45, 0x4c, 0x46)) return identifyElf(bytes);
  return (
    identifyBinary(bytes) ?? identifyText(bytes) ?? { kind: 'unknown', description: 'of an unknown kind' }
  );
}

const MACHINES: ReadonlyMap<number, string> = new Map([
  [0, 'a machineless'],
  [2, 'a SPARC'],
  [3, 'an x86'],
  [8, 'a MIPS'],
  [20, 'a PowerPC'],
  [21, 'a PowerPC64'],
  [22, 'an s390'],
  [40, 'an Arm'],
  [43, 'a SPARC V9'],
  [62, 'an x86-64'],
  [183, 'an AArch64'],
  [190, 'a CUDA'],
  [224, 'an AMD GPU'],
  [243, 'a RISC-V'],
  [EM_BPF, 'a BPF'],
  [258, 'a LoongArch'],
]);

const TYPES: ReadonlyMap<number, string> = new Map([
  [ET_REL, 'object'],
  [ET_EXEC, 'executable'],
  [ET_DYN, 'shared object or executable'],
  [ET_CORE, 'core dump'],
]);

function identifyElf(bytes: Uint8Array): FileIdentity {
  const elfClass = bytes[4] ?? 0;
  const data = bytes[5] ?? 0;
  if (bytes.length < (elfClass === 1 ? 52 : 64)) {
    const description = `a truncated ELF file of ${bytes.length} bytes`;
    return { kind: 'elf-truncated', description, hint: 'its writer was interrupted; rebuild it' };
  }
  if (elfClass !== 1 && elfClass !== 2) {
    return { kind: 'elf-other', description: `an ELF file of unknown class ${elfClass}` };
  }
  if (data !== 1 && data !== 2) {
    return { kind: 'elf-other', description: `an ELF file of unknown byte order ${data}` };
  }
  const view = viewOf(bytes);
  const type = view.getUint16(16, data === 1);
  const machine = view.getUint16(18, data === 1);
  if (elfClass === 2 && machine === EM_BPF && type === ET_REL) {
    return { kind: 'bpf-object', description: 'a BPF object' };
  }
  const width = elfClass === 1 && (machine === EM_BPF || machine === 0) ? ' 32-bit' : '';
  const machineName = MACHINES.get(machine) ?? `an unknown-machine (e_machine ${machine})`;
  const typeName = TYPES.get(type) ?? `ELF file of type ${type}`;
  const description = `${machineName}${width} ${typeName}`;
  return { kind: 'elf-other', description, hint: hintForElf(machine, type) };
}

function hintForElf(machine: number, type: number): string {
  if (machine !== EM_BPF) return COMPILE;
  if (type === ET_REL) return 'BPF objects are 64-bit; compile with: clang -target bpf';
  return 'only relocatable objects can be linked or loaded: compile with -c, and use no other linker on the result';
}

function identifyBinary(bytes: Uint8Array): FileIdentity | undefined {
  if (startsWithText(bytes, '!<arch>\n')) {
    const hint = 'give its members, or pass it as a library';
    return { kind: 'archive', description: 'an archive', hint };
  }
  if (startsWithText(bytes, '!<thin>\n')) {
    const hint = 'give its members, or pass it as a library';
    return { kind: 'thin-archive', description: 'a thin archive', hint };
  }
  if (startsWith(bytes, 0x42, 0x43, 0xc0, 0xde) || startsWith(bytes, 0xde, 0xc0, 0x17, 0x0b)) {
    const hint = 'it was built with -emit-llvm or -flto; leave that out';
    return { kind: 'bitcode', description: 'LLVM bitcode', hint };
  }
  if (startsWith(bytes, 0x00, 0x61, 0x73, 0x6d)) {
    return { kind: 'wasm', description: 'a WebAssembly module', hint: COMPILE };
  }
  if (isMachO(bytes)) return { kind: 'mach-o', description: 'a Mach-O file', hint: COMPILE };
  if (startsWithText(bytes, 'MZ')) return { kind: 'pe', description: 'a Windows PE file', hint: COMPILE };
  if (isCoff(bytes)) return { kind: 'coff', description: 'a COFF object', hint: COMPILE };
  if (startsWith(bytes, 0x9f, 0xeb) || startsWith(bytes, 0xeb, 0x9f)) {
    const hint = 'an object is expected; types of a kernel are for: rootlet load --btf FILE';
    return { kind: 'btf', description: 'raw BTF', hint };
  }
  if (isPcap(bytes)) return { kind: 'pcap', description: 'a packet capture' };
  return isCompressed(bytes)
    ? { kind: 'compressed', description: 'a compressed file', hint: 'unpack it first' }
    : undefined;
}

/** Machine types of COFF objects: x86, x86-64, Arm and AArch64; and the big form (`/bigobj`). */
const COFF_MACHINES: ReadonlySet<number> = new Set([0x14c, 0x8664, 0x1c4, 0xaa64]);

/** An object has no optional header, and its sections follow the 20 bytes of the first. */
function isCoff(bytes: Uint8Array): boolean {
  if (bytes.length < 20) return false;
  if (startsWith(bytes, 0, 0, 0xff, 0xff)) return true;
  const view = viewOf(bytes);
  const sections = view.getUint16(2, true);
  return (
    COFF_MACHINES.has(view.getUint16(0, true)) &&
    view.getUint16(16, true) === 0 &&
    20 + sections * 40 <= bytes.length
  );
}

function isMachO(bytes: Uint8Array): boolean {
  const low = bytes[0] ?? 0;
  return (
    ((low === 0xce || low === 0xcf) && startsWith(bytes, low, 0xfa, 0xed, 0xfe)) ||
    startsWith(bytes, 0xca, 0xfe, 0xba, 0xbe)
  );
}

function isPcap(bytes: Uint8Array): boolean {
  return (
    startsWith(bytes, 0xd4, 0xc3, 0xb2, 0xa1) ||
    startsWith(bytes, 0xa1, 0xb2, 0xc3, 0xd4) ||
    startsWith(bytes, 0x0a, 0x0d, 0x0d, 0x0a)
  );
}

function isCompressed(bytes: Uint8Array): boolean {
  return (
    startsWith(bytes, 0x1f, 0x8b) || // gzip
    startsWith(bytes, 0xfd, 0x37, 0x7a, 0x58, 0x5a) || // xz
    startsWith(bytes, 0x28, 0xb5, 0x2f, 0xfd) || // zstd
    startsWith(bytes, 0x50, 0x4b, 0x03, 0x04) // zip
  );
}

/** How much of a text is looked at. */
const TEXT_PROBE = 4096;

const TEXT_STARTS: readonly (readonly [string, FileIdentity])[] = [
  ['#!', { kind: 'script', description: 'a script' }],
  [
    'version https://git-lfs',
    { kind: 'lfs-pointer', description: 'a Git LFS pointer, not the file itself', hint: 'run: git lfs pull' },
  ],
  ['<!DOCTYPE', { kind: 'html', description: 'an HTML page', hint: 'the download probably failed' }],
  ['<html', { kind: 'html', description: 'an HTML page', hint: 'the download probably failed' }],
];

const IR_MARKS = ['; ModuleID', 'source_filename =', 'target datalayout', 'target triple'];
const C_MARKS = [
  '#include',
  '#define',
  '#pragma',
  '#ifndef',
  '#ifdef',
  '#if ',
  '//',
  '/*',
  'typedef ',
  'struct ',
];
const C_DECLARATIONS = [
  'static ',
  'extern ',
  'int ',
  'void ',
  'char ',
  'SEC(',
  'union ',
  'enum ',
  'const ',
  'unsigned ',
];
const ASSEMBLY_MARKS = ['.text', '.file', '.section', '.globl', '.global', '.p2align', '.type'];

function identifyText(bytes: Uint8Array): FileIdentity | undefined {
  const probe = bytes.subarray(0, TEXT_PROBE);
  if (!isText(probe)) return undefined;
  const text = new TextDecoder().decode(probe).trimStart();
  for (const [start, identity] of TEXT_STARTS) if (text.startsWith(start)) return identity;
  if (IR_MARKS.some(mark => text.startsWith(mark))) {
    const hint = 'it was built with -S -emit-llvm; leave both out and use -c';
    return { kind: 'llvm-ir', description: 'LLVM IR as text', hint };
  }
  if (ASSEMBLY_MARKS.some(mark => text.startsWith(mark))) {
    const hint = 'assemble it with: clang -target bpf -c foo.s -o foo.o';
    return { kind: 'assembly', description: 'assembly source', hint };
  }
  if ([...C_MARKS, ...C_DECLARATIONS].some(mark => text.startsWith(mark))) {
    return { kind: 'c-source', description: 'C source', hint: COMPILE };
  }
  return { kind: 'text', description: 'a text file', hint: COMPILE };
}

function isText(probe: Uint8Array): boolean {
  try {
    // Streaming forgives a character cut at the end of the probe.
    new TextDecoder('utf-8', { fatal: true }).decode(probe, { stream: true });
  } catch {
    return false;
  }
  return probe.every(byte => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

function startsWith(bytes: Uint8Array, ...prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}

function startsWithText(bytes: Uint8Array, prefix: string): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix.charCodeAt(i)) return false;
  return true;
}
