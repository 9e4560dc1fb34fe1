import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as shared from '../../uapi/index.ts';
import { syscallNumbersOf } from '../open/syscall-numbers.ts';
import * as uapi from './uapi.ts';

const HEADER = '/usr/include/linux/bpf.h';

/** Record → C type or member of `union bpf_attr`, and fields whose C name differs. */
const RECORDS = [
  { layout: uapi.MapCreateAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.MapElemAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.MapBatchAttr, of: 'union bpf_attr', prefix: 'batch.' },
  { layout: uapi.ProgLoadAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.BtfLoadAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.ObjPinAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.ProgAttachAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.TestRunAttr, of: 'union bpf_attr', prefix: 'test.' },
  { layout: uapi.XdpMd, of: 'struct xdp_md', prefix: '' },
  { layout: uapi.IdAttr, of: 'union bpf_attr', prefix: '' },
  { layout: uapi.InfoAttr, of: 'union bpf_attr', prefix: 'info.' },
  { layout: uapi.QueryAttr, of: 'union bpf_attr', prefix: 'query.', renamed: { count: 'prog_cnt' } },
  { layout: uapi.RawTracepointAttr, of: 'union bpf_attr', prefix: 'raw_tracepoint.' },
  {
    layout: uapi.LinkCreateAttr,
    of: 'union bpf_attr',
    prefix: 'link_create.',
    renamed: { word: 'target_btf_id', wide: 'tracing.cookie' },
  },
  {
    layout: uapi.LinkCreatePerfAttr,
    of: 'union bpf_attr',
    prefix: 'link_create.',
    renamed: { bpf_cookie: 'perf_event.bpf_cookie' },
  },
  {
    layout: uapi.LinkCreateNetfilterAttr,
    of: 'union bpf_attr',
    prefix: 'link_create.',
    renamed: {
      pf: 'netfilter.pf',
      hooknum: 'netfilter.hooknum',
      priority: 'netfilter.priority',
      netfilter_flags: 'netfilter.flags',
    },
  },
  { layout: uapi.LinkCreateIterAttr, of: 'union bpf_attr', prefix: 'link_create.' },
  {
    layout: uapi.LinkCreateKprobeMultiAttr,
    of: 'union bpf_attr',
    prefix: 'link_create.',
    renamed: {
      multi_flags: 'kprobe_multi.flags',
      cnt: 'kprobe_multi.cnt',
      syms: 'kprobe_multi.syms',
      addrs: 'kprobe_multi.addrs',
      cookies: 'kprobe_multi.cookies',
    },
  },
  {
    layout: uapi.LinkUpdateAttr,
    of: 'union bpf_attr',
    prefix: 'link_update.',
    renamed: { new_fd: 'new_prog_fd', old_fd: 'old_prog_fd' },
  },
  { layout: uapi.IterCreateAttr, of: 'union bpf_attr', prefix: 'iter_create.' },
  { layout: uapi.ProgBindMapAttr, of: 'union bpf_attr', prefix: 'prog_bind_map.' },
  { layout: uapi.ProgInfo, of: 'struct bpf_prog_info', prefix: '' },
  { layout: uapi.MapInfo, of: 'struct bpf_map_info', prefix: '' },
  { layout: uapi.BtfInfo, of: 'struct bpf_btf_info', prefix: '' },
  {
    layout: uapi.LinkInfo,
    of: 'struct bpf_link_info',
    prefix: '',
    renamed: {
      _: undefined,
      word0: 'tracing.attach_type',
      word1: 'tracing.target_obj_id',
      word2: 'tracing.target_btf_id',
    },
  },
];

/**
 * Fields newer than the oldest header that this is run with, and bit fields: shown to gcc only if it knows
 * them.
 */
const MAYBE_ABSENT = new Set([
  'map_token_fd',
  'value_type_btf_obj_fd',
  'prog_token_fd',
  'fd_array_cnt',
  'log_true_size',
  'btf_log_true_size',
  'btf_flags',
  'btf_token_fd',
  'path_fd',
  'relative_fd',
  'expected_revision',
  'link_ids',
  'link_attach_flags',
  'revision',
  'token_fd',
  'cookie',
  'gpl_compatible',
  'word2',
  'word3',
  'tracing.cookie',
  'btf_vmlinux_id',
  'batch_size',
  'netfilter.pf',
  'netfilter.hooknum',
  'netfilter.priority',
  'netfilter.flags',
]);

const canCompile = existsSync(HEADER) && existsSync('/usr/bin/gcc');
const why = canCompile ? '' : ' (needs gcc and linux/bpf.h)';

/** Compiles and runs a C program that prints what `lines` print. */
function runC(prologue: string, lines: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'rootlet-'));
  try {
    const source = join(directory, 'offsets.c');
    writeFileSync(source, `${prologue}\nint main(void) {\n${lines.join('\n')}\nreturn 0; }\n`);
    execFileSync('gcc', ['-w', '-o', join(directory, 'offsets'), source], { stdio: 'pipe' });
    return execFileSync(join(directory, 'offsets'), { encoding: 'utf8' }).trim().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(!canCompile)(`against the C compiler${why}`, () => {
  const header = canCompile ? execFileSync('cat', [HEADER], { encoding: 'utf8' }) : '';
  const INCLUDES = '#include <linux/bpf.h>\n#include <stddef.h>\n#include <stdio.h>';

  test('all offsets of all records', () => {
    const lines: string[] = [];
    const expected: string[] = [];
    for (const { layout, of, prefix, renamed = {} } of RECORDS) {
      for (const [field, offset] of Object.entries(layout.offsets)) {
        const known = new Map<string, string | undefined>(Object.entries(renamed));
        const name = known.has(field) ? known.get(field) : field;
        const leaf = name?.split('.').at(-1) ?? '';
        const present = new RegExp(`\\b${leaf}\\b`).test(header) && !MAYBE_ABSENT.has(name ?? '');
        if (name === undefined || (MAYBE_ABSENT.has(name) && !present)) continue;
        lines.push(`printf("${of} ${prefix}${name} %zu\\n", offsetof(${of}, ${prefix}${name}));`);
        expected.push(`${of} ${prefix}${name} ${offset}`);
      }
    }
    expect(runC(INCLUDES, lines)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(150);
  });

  test('numbers of types, commands and flags', () => {
    const names = Object.entries(shared)
      .filter(([name, value]) => typeof value === 'number' && name.startsWith('BPF_'))
      .filter(([name]) => new RegExp(`\\b${name}\\b`).test(header));
    const lines = names.map(([name]) => `printf("${name} %lld\\n", (long long)${name});`);
    expect(runC(INCLUDES, lines)).toEqual(names.map(([name, value]) => `${name} ${value}`));
    expect(names.length).toBeGreaterThan(200);
  });

  test.runIf(process.arch === 'x64')('system call numbers, own and generic', () => {
    for (const [include, arch] of [
      ['#include <sys/syscall.h>', 'x64'],
      [
        '#include <asm-generic/unistd.h>\n#define __NR_mmap __NR3264_mmap\n#define __NR_fcntl __NR3264_fcntl',
        'arm64',
      ],
    ] as const) {
      const numbers = Object.entries(syscallNumbersOf(arch) ?? {});
      const lines = numbers.map(([name]) => `printf("${name} %d\\n", __NR_${name});`);
      const prologue = `#undef __NR_mmap\n#undef __NR_fcntl\n#include <stdio.h>\n${include}`;
      expect(runC(prologue, lines)).toEqual(numbers.map(([name, number]) => `${name} ${number}`));
    }
  });
});

test('fields that newer kernels added are after those that a header of Linux 6.1 has', () => {
  expect(uapi.MapCreateAttr.offsets.value_type_btf_obj_fd).toBe(72);
  expect(uapi.MapCreateAttr.offsets.map_token_fd).toBe(76);
  expect(uapi.ProgLoadAttr.offsets).toMatchObject({
    log_true_size: 140,
    prog_token_fd: 144,
    fd_array_cnt: 148,
  });
  expect(uapi.BtfLoadAttr.offsets).toMatchObject({ btf_log_true_size: 28, btf_flags: 32, btf_token_fd: 36 });
  expect(uapi.LinkCreateAttr.offsets).toMatchObject({ word: 16, word2: 20, wide: 24 });
  expect(uapi.QueryAttr.offsets).toMatchObject({ link_ids: 40, link_attach_flags: 48, revision: 56 });
});

test('an attribute is zero where nothing is specified, and reads back', () => {
  const bytes = uapi.encodeAttr(uapi.MapCreateAttr, { map_type: 2, map_name: 'counts', map_extra: 7n });
  expect(bytes).toHaveLength(uapi.MapCreateAttr.size);
  expect(uapi.decodeAttr(uapi.MapCreateAttr, bytes)).toMatchObject({
    map_type: 2,
    map_name: 'counts',
    map_extra: 7n,
    key_size: 0,
  });
  expect(() => uapi.encodeAttr(uapi.MapCreateAttr, { map_name: 'sixteen letters!' })).toThrow(
    expect.objectContaining({ code: 'bytes-text-too-long' }),
  );
});
