/** Debian's tools as peers: libbpf's linker, run by `bpftool gen object`, and libbpf's loader. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { COMMANDS, findCommand } from '../support/needs.ts';

export interface PeerResult {
  readonly ok: boolean;
  /** What it printed, or the signal that ended it. */
  readonly message: string;
}

/** `bpftool gen object OUTPUT INPUT…`. */
export function peerLink(output: string, inputs: readonly string[]): PeerResult {
  const result = spawnSync(findCommand(COMMANDS.bpftool) ?? '', ['gen', 'object', output, ...inputs], {
    encoding: 'utf8',
  });
  const message = result.signal === null ? `${result.stderr}${result.stdout}`.trim() : result.signal;
  return { ok: result.status === 0, message };
}

export interface LoadResult {
  /** By name of the program; null when the object was not loaded. */
  readonly programs: ReadonlyMap<string, LoadedProgram> | null;
  /** Messages of libbpf and the kernel. */
  readonly log: string;
}

export interface LoadedProgram {
  /** The kernel's hash of the instructions. */
  readonly tag: string;
  /** What it returned for a packet of 64 bytes, run after the programs before it in the alphabet. */
  readonly result: string;
}

/**
 * Loads each object through libbpf, pins its programs in a BPF file system that only this call sees, asks the kernel
 * for their tags and runs them. All objects of one call are loaded by one shell.
 */
export function loadTogether(directory: string, files: readonly string[]): LoadResult[] {
  const bpftool = findCommand(COMMANDS.bpftool) ?? '';
  const scratch = mkdtempSync(path.join(directory, 'load-'));
  writeFileSync(path.join(scratch, 'files'), files.map((file, index) => `${index} ${file}\n`).join(''));
  writeFileSync(
    path.join(scratch, 'packet'),
    Uint8Array.from({ length: 64 }, (_, index) => index),
  );
  const script = `
    cd "${scratch}" && mount -t bpf -o mode=0700 bpf /sys/fs/bpf || exit 1
    while read -r number file; do
      pins="/sys/fs/bpf/$number"
      mkdir "$pins"
      "${bpftool}" prog loadall "$file" "$pins" >log 2>&1 && echo "loaded $number"
      echo "log $number $(head -c 4000 log | tr '\\n' '|')"
      for pin in "$pins"/*; do
        [ -e "$pin" ] && echo "run $pin $("${bpftool}" -j prog run pinned "$pin" data_in packet 2>&1 | tr '\\n' '|')"
      done
    done <files
    echo "programs $("${bpftool}" -j -f prog show)"
  `;
  const result = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`loading failed: ${result.stderr}${result.stdout}`);
  return readLoads(result.stdout.split('\n'), files.length);
}

interface ShownProgram {
  readonly tag: string;
  readonly pinned?: readonly string[];
}

function readLoads(lines: readonly string[], count: number): LoadResult[] {
  const shown = lines.find(line => line.startsWith('programs '))?.slice('programs '.length) ?? '[]';
  const programs = JSON.parse(shown) as readonly ShownProgram[]; // bpftool's own format
  const tags = new Map(programs.flatMap(({ tag, pinned }) => (pinned ?? []).map(pin => [pin, tag] as const)));
  const runs = lines.flatMap(line => {
    const match = /^run (\S+) (.*)$/.exec(line);
    return match === null ? [] : [{ pin: match[1] ?? '', result: resultOf(match[2] ?? '') }];
  });
  return Array.from({ length: count }, (_, number) => {
    const log = lines.find(line => line.startsWith(`log ${number} `)) ?? '';
    if (!lines.includes(`loaded ${number}`)) return { programs: null, log };
    const prefix = `/sys/fs/bpf/${number}/`;
    const loaded = runs
      .filter(({ pin }) => pin.startsWith(prefix))
      .map(({ pin, result }) => [pin.slice(prefix.length), { tag: tags.get(pin) ?? '', result }] as const);
    return { programs: new Map(loaded), log };
  });
}

function resultOf(output: string): string {
  return /"retval":(\d+)/.exec(output)?.[1] ?? output;
}
