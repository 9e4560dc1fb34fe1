/**
 * What the loader's tests share: the oracle (bpftool, which is libbpf) and packets. Not exported from the
 * package.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A bpf file system of the test's own; `close()` unmounts it, and with it go all pins. 1777 is the kernel's
 * default.
 */
export function mountBpffs(mode: '0700' | '1777' = '0700'): { readonly path: string; close(): void } {
  const path = mkdtempSync(join(tmpdir(), 'rootlet-bpffs-'));
  execFileSync('mount', ['-t', 'bpf', '-o', `mode=${mode}`, 'bpf', path]);
  return {
    path,
    close() {
      execFileSync('umount', [path]);
      rmdirSync(path);
    },
  };
}

/** A program as the kernel knows it after libbpf loaded it. */
export interface OracleProgram {
  readonly name: string;
  readonly tag: string;
  readonly maps: readonly OracleMap[];
}

export interface OracleMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** Why the oracle cannot be asked here; undefined when it can. */
export function oracleMissing(): string | undefined {
  for (const tool of ['bpftool', 'unshare']) {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'pipe' });
    } catch {
      return `${tool} is not installed`;
    }
  }
  return undefined;
}

/**
 * Loads the object with bpftool into a bpf file system of its own, lists the result, and unloads all of it.
 */
export function loadWithBpftool(path: string): OracleProgram[] {
  const directory = '/sys/fs/bpf'; // in a mount namespace of its own, so that pins by name stay there as well
  const script = [
    `mount -t bpf -o mode=0700 bpf ${directory}`,
    `bpftool prog loadall "$1" ${directory}/p`,
    'echo "["',
    `for pin in ${directory}/p/*; do bpftool -j prog show pinned $pin; echo ,; done`,
    'echo "null]"',
    'echo SPLIT',
    'bpftool -j map show',
  ].join('\n');
  const output = execFileSync('unshare', ['-m', 'sh', '-e', '-c', script, 'sh', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [programs = '[]', maps = '[]'] = output.split('SPLIT\n');
  return describe(JSON.parse(programs) as unknown[], JSON.parse(maps) as unknown[]); // bpftool's JSON, read field by field below
}

function describe(programs: readonly unknown[], maps: readonly unknown[]): OracleProgram[] {
  const byId = new Map(maps.filter(isRecord).map(map => [numberIn(map, 'id'), map]));
  return programs.filter(isRecord).map(program => ({
    name: textIn(program, 'name'),
    tag: textIn(program, 'tag'),
    maps: idsIn(program).flatMap(id => {
      const map = byId.get(id);
      return map === undefined ? [] : [describeMap(map)];
    }),
  }));
}

function describeMap(map: Readonly<Record<string, unknown>>): OracleMap {
  return {
    name: textIn(map, 'name'),
    keySize: numberIn(map, 'bytes_key'),
    valueSize: numberIn(map, 'bytes_value'),
    maxEntries: numberIn(map, 'max_entries'),
    flags: numberIn(map, 'flags'),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function idsIn(program: Readonly<Record<string, unknown>>): number[] {
  const { map_ids: ids } = program;
  return Array.isArray(ids) ? ids.map(Number) : [];
}

function textIn(record: Readonly<Record<string, unknown>>, key: string): string {
  return String(record[key] ?? '');
}

function numberIn(record: Readonly<Record<string, unknown>>, key: string): number {
  return Number(record[key] ?? -1);
}

export interface PacketFields {
  readonly source?: readonly [number, number, number, number];
  readonly destination?: readonly [number, number, number, number];
  readonly protocol?: number;
  readonly destinationPort?: number;
  readonly etherType?: number;
  readonly ttl?: number;
  readonly length?: number;
}

/** An Ethernet frame with an IPv4 header and ports; checksums are left zero. */
export function packet(fields: PacketFields = {}): Uint8Array {
  const bytes = new Uint8Array(fields.length ?? 64);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, fields.etherType ?? 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, bytes.length - 14);
  view.setUint8(22, fields.ttl ?? 64);
  view.setUint8(23, fields.protocol ?? 17);
  bytes.set(fields.source ?? [10, 0, 0, 1], 26);
  bytes.set(fields.destination ?? [10, 0, 0, 2], 30);
  view.setUint16(36, fields.destinationPort ?? 53);
  return bytes;
}
