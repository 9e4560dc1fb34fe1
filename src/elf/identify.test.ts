import { describe, expect, it } from 'vitest';
import { sampleOutput } from '../../test/hostile/elf-sample.ts';
import { encodeText } from '../bytes/cursor.ts';
import { identify } from './identify.ts';
import { writeElf } from './write.ts';

function elf(elfClass: number, data: number, type: number, machine: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, elfClass, data, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, type, data === 1);
  view.setUint16(18, machine, data === 1);
  return bytes;
}

describe('identify', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'empty', 'an empty file'],
    ['little-endian BPF', writeElf(sampleOutput('little')), 'bpf-object', 'a BPF object'],
    ['big-endian BPF', writeElf(sampleOutput('big')), 'bpf-object', 'a BPF object'],
    ['x86-64 object', elf(2, 1, 1, 62), 'elf-other', 'an x86-64 object'],
    ['s390 executable', elf(2, 2, 2, 22), 'elf-other', 'an s390 executable'],
    ['AArch64 shared object', elf(2, 1, 3, 183), 'elf-other', 'an AArch64 shared object or executable'],
    ['32-bit BPF', elf(1, 1, 1, 247), 'elf-other', 'a BPF 32-bit object'],
    ['linked BPF', elf(2, 1, 3, 247), 'elf-other', 'a BPF shared object or executable'],
    ['core dump', elf(2, 1, 4, 62), 'elf-other', 'an x86-64 core dump'],
    ['strange machine', elf(2, 1, 1, 9999), 'elf-other', 'an unknown-machine (e_machine 9999) object'],
    ['strange type', elf(2, 1, 77, 247), 'elf-other', 'a BPF ELF file of type 77'],
    ['class 9', elf(9, 1, 1, 247), 'elf-other', 'an ELF file of unknown class 9'],
    ['byte order 0', elf(2, 0, 1, 247), 'elf-other', 'an ELF file of unknown byte order 0'],
    ['short ELF', elf(2, 1, 1, 247).subarray(0, 63), 'elf-truncated', 'a truncated ELF file of 63 bytes'],
    ['magic only', elf(2, 1, 1, 247).subarray(0, 4), 'elf-truncated', 'a truncated ELF file of 4 bytes'],
    ['archive', encodeText('!<arch>\n'), 'archive', 'an archive'],
    ['thin archive', encodeText('!<thin>\n'), 'thin-archive', 'a thin archive'],
    ['bitcode', Uint8Array.of(0x42, 0x43, 0xc0, 0xde), 'bitcode', 'LLVM bitcode'],
    ['wrapped bitcode', Uint8Array.of(0xde, 0xc0, 0x17, 0x0b), 'bitcode', 'LLVM bitcode'],
    ['IR', encodeText("; ModuleID = 'a.c'\n"), 'llvm-ir', 'LLVM IR as text'],
    ['C with an include', encodeText('\n#include <linux/bpf.h>\n'), 'c-source', 'C source'],
    ['C with a license', encodeText('// SPDX-License-Identifier: GPL-2.0\n'), 'c-source', 'C source'],
    ['assembly', encodeText('\t.text\n\t.globl f\n'), 'assembly', 'assembly source'],
    ['WebAssembly', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), 'wasm', 'a WebAssembly module'],
    ['Mach-O', Uint8Array.of(0xcf, 0xfa, 0xed, 0xfe), 'mach-o', 'a Mach-O file'],
    ['PE', encodeText('MZ\0\0'), 'pe', 'a Windows PE file'],
    ['COFF', Uint8Array.of(0x64, 0x86, ...new Uint8Array(18)), 'coff', 'a COFF object'],
    ['COFF, big', Uint8Array.of(0, 0, 0xff, 0xff, ...new Uint8Array(16)), 'coff', 'a COFF object'],
    ['COFF, cut off', Uint8Array.of(0x64, 0x86, 9, ...new Uint8Array(17)), 'unknown', 'of an unknown kind'],
    ['BTF', Uint8Array.of(0x9f, 0xeb, 1, 0), 'btf', 'raw BTF'],
    ['pcap', Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1), 'pcap', 'a packet capture'],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8), 'compressed', 'a compressed file'],
    ['script', encodeText('#!/bin/sh\n'), 'script', 'a script'],
    [
      'LFS',
      encodeText('version https://git-lfs.github.com/spec/v1\n'),
      'lfs-pointer',
      'a Git LFS pointer, not the file itself',
    ],
    ['HTML', encodeText('<!DOCTYPE html>'), 'html', 'an HTML page'],
    ['prose', encodeText('hello, world\n'), 'text', 'a text file'],
    ['noise', Uint8Array.of(1, 2, 3, 4), 'unknown', 'of an unknown kind'],
    ['UTF-8 noise', Uint8Array.of(0xff, 0xfe, 0x41), 'unknown', 'of an unknown kind'],
  ])('%s', (_, bytes, kind, description) => {
    expect(identify(bytes)).toMatchObject({ kind, description });
  });
});
