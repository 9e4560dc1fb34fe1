/**
 * Packets that remember which members judged them: each member appends its letter to the packet, and a filter on the same
 * interface, which sees all that XDP passes, counts packets by what they brought.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TcFilter } from '../../../src/kernel/hooks/tc.ts';
import type { LoadedObject } from '../../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../../src/load/load.ts';
import { HEAD, kernel } from '../slots/support.ts';
import { type ChainLab, IFACE } from './lab.ts';

const LENGTH_AT = 50;
const TRAIL_AT = 52;
const MOST = 8;

/** A member that appends a letter and passes the packet; `seen` counts. */
export function tracer(letter: string, program = 'trace'): string {
  return `${HEAD}
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64);
} seen SEC(".maps");
SEC("xdp") int ${program}(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 64 > end || data[12] != 8) return XDP_PASS;
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  switch (data[${LENGTH_AT}]++) {
${Array.from({ length: MOST }, (_, at) => `  case ${at}: data[${TRAIL_AT + at}] = '${letter}'; break;`).join('\n')}
  }
  return XDP_PASS;
}`;
}

const RECORDER = `${HEAD}
#include <linux/pkt_cls.h>
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 256); __type(key, __u64); __type(value, __u64);
} trails SEC(".maps");
SEC("tc") int record(struct __sk_buff *skb) {
  __u64 trail = 0, one = 1;
  if (skb->protocol != 8 || bpf_skb_load_bytes(skb, ${TRAIL_AT}, &trail, 8)) return TC_ACT_OK;
  __u64 *count = bpf_map_lookup_elem(&trails, &trail);
  if (count) __sync_fetch_and_add(count, 1);
  else if (bpf_map_update_elem(&trails, &trail, &one, BPF_NOEXIST) && (count = bpf_map_lookup_elem(&trails, &trail)))
    __sync_fetch_and_add(count, 1);
  return TC_ACT_SHOT;
}`;

interface Link {
  readonly ifname: string;
  readonly stats64: { readonly rx: { readonly dropped: number }; readonly tx: { readonly dropped: number } };
}

/** Packets that come in all the time, and what judged them. */
export class Trails {
  readonly #lab: ChainLab;
  readonly #recorder: LoadedObject;
  readonly #directory: string;
  readonly #generator: string;
  #child: ChildProcess | undefined;
  #output = '';
  readonly #taken = new Map<string, number>();

  constructor(lab: ChainLab) {
    this.#lab = lab;
    this.#directory = mkdtempSync(join(tmpdir(), 'rootlet-trails-'));
    this.#generator = join(this.#directory, 'traffic');
    execFileSync('gcc', ['-O2', '-o', this.#generator, join(import.meta.dirname, '../slots/traffic.c')]);
    lab.compile({ recorder: RECORDER });
    this.#recorder = loadObject(lab.input('recorder').object, kernel);
    for (const end of ['va', 'vb']) lab.ip('link', 'set', end, 'arp', 'off', 'up');
    const { fd } = this.#recorder.program('record');
    lab.wire.inside(() =>
      TcFilter.attach(kernel, fd.number, IFACE, { direction: 'ingress', name: 'record' }),
    );
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#recorder.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** Sends until `stop`; `gentle`: with the time that nothing else needs. */
  async start(gentle = true): Promise<void> {
    this.#output = '';
    const words = gentle ? ['chrt', '--idle', '0'] : [];
    const command = ['netns', 'exec', this.#lab.wire.name, ...words, this.#generator, 'vb'];
    const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', text => {
      this.#output += String(text);
    });
    while (!this.#output.includes('sending')) await new Promise(resolve => setTimeout(resolve, 2));
  }

  /** How many were sent. */
  async stop(): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    const ended = new Promise(resolve => child.once('close', resolve));
    child.kill('SIGTERM');
    await ended;
    this.#child = undefined;
    await new Promise(resolve => setTimeout(resolve, 100)); // what is on the wire arrives
    return Number(this.#output.trim().split('\n')[1]?.split(' ')[0]);
  }

  /** Packets that were lost on the wire since this was made. */
  dropped(): number {
    const words = ['-n', this.#lab.wire.name, '-s', '-j', 'link', 'show'];
    const links = JSON.parse(execFileSync('ip', words, { encoding: 'utf8' })) as readonly Link[]; // as iproute2 prints it
    const isEnd = ({ ifname }: Link): boolean => ifname === 'va' || ifname === 'vb';
    return links.filter(isEnd).reduce((sum, { stats64 }) => sum + stats64.rx.dropped + stats64.tx.dropped, 0);
  }

  /** Packets by the letters of the members that judged them, since the last call. */
  take(): Map<string, number> {
    const map = this.#recorder.map('trails');
    const found = new Map<string, number>();
    for (const [key, value] of [...map.entries()]) {
      const letters = String.fromCharCode(...key).replaceAll('\0', '');
      const count = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
      found.set(letters, count - (this.#taken.get(letters) ?? 0));
      this.#taken.set(letters, count);
    }
    return new Map([...found].filter(([, count]) => count > 0));
  }
}
