/**
 * Where tests of tcx chains run: a network namespace with an interface that gets packets from another one, a store of its
 * own, and members compiled from C that write into the mark of a packet which of them it has met.
 */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recoverChains } from '../../../src/chain/engine/recover.ts';
import type { ChainHook } from '../../../src/chain/model/chain.ts';
import type { ChainDesign } from '../../../src/chain/model/design.ts';
import { applyTcx } from '../../../src/chain/tcx/apply.ts';
import type { TcxContext, TcxOptions } from '../../../src/chain/tcx/context.ts';
import { type RunningTcx, readTcx } from '../../../src/chain/tcx/read.ts';
import { cleanChains } from '../../../src/chain/upkeep/clean.ts';
import { returning } from '../../../src/hooks/testing.ts';
import { Attachment } from '../../../src/kernel/hooks/attachment.ts';
import { attachTcx, tcxAttachType } from '../../../src/kernel/hooks/hooks.ts';
import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { programsOn } from '../../../src/kernel/hooks/order.ts';
import { openById } from '../../../src/kernel/objects/info.ts';
import { currentNetns, inNetns } from '../../../src/kernel/sys/netns.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { Store } from '../../../src/store/store.ts';
import { BPF_PROG_TYPE_SCHED_CLS } from '../../../src/uapi/program-types.ts';
import { compileInto } from '../../support/compile.ts';
import { bundleCommand, type SteppedCommand } from '../../support/stepped-command.ts';
import { kernel } from '../slots/support.ts';
import { designMember, type WorkerEdit } from './tcx-worker.ts';

/**
 * A member for packets to UDP port 9: appends its digit to the decimal number in the mark, counts, remembers the mark of the
 * last packet, and counts packets that have met `need` not at all or more than once.
 */
export const member = (
  digit: number,
  { program = `m${digit}`, verdict = -1, need = 0, more = '' } = {},
): string => `
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
char _license[] SEC("license") = "GPL";
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64);
} hits SEC(".maps");
struct { __u64 seen, last, missed, twice; } stats;
int verdict = ${verdict};
${more}
static __always_inline int is_ours(struct __sk_buff *skb) {
  __u8 protocol = 0; __u16 port = 0;
  if (skb->protocol != bpf_htons(0x0800)) return 0;
  if (bpf_skb_load_bytes(skb, 23, &protocol, 1) || protocol != 17) return 0;
  return bpf_skb_load_bytes(skb, 36, &port, 2) == 0 && port == bpf_htons(9);
}
SEC("tc") int ${program}(struct __sk_buff *skb) {
  if (!is_ours(skb)) return TC_ACT_UNSPEC;
  __u32 mark = skb->mark, key = 0, count = 0;
  for (int at = 0; at < 8; at++) { if (mark % 10 == ${need}) count++; mark /= 10; }
  if (${need}) { if (count == 0) stats.missed++; if (count > 1) stats.twice++; }
  skb->mark = skb->mark * 10 + ${digit};
  __u64 *hit = bpf_map_lookup_elem(&hits, &key);
  if (hit) __sync_fetch_and_add(hit, 1);
  stats.seen++;
  stats.last = skb->mark;
  return verdict;
}`;

export interface Wanted {
  readonly name: string;
  /** Name of a compiled object. Default: the name. */
  readonly object?: string;
  readonly program?: string;
  readonly priority?: number;
  readonly on?: readonly number[];
  readonly set?: Readonly<Record<string, unknown>>;
}

export class TcxLab {
  readonly near: string;
  readonly far: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'rootlet-tcx-'));
  #bpffs = mountBpffs();

  constructor(name: string) {
    this.near = `rootlet-${name}-near-${process.pid}`;
    this.far = `rootlet-${name}-far-${process.pid}`;
    for (const netns of [this.near, this.far]) ip('netns', 'add', netns);
    this.link('va', 'vb', 77);
  }

  /** A pair of interfaces: `near` here, `there` in the other namespace. */
  link(near: string, there: string, subnet: number): void {
    for (const netns of [this.near, this.far])
      execFileSync('ip', ['netns', 'exec', netns, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
    ip('-n', this.near, 'link', 'add', near, 'type', 'veth', 'peer', 'name', there, 'netns', this.far);
    ip('-n', this.near, 'link', 'set', near, 'address', '02:00:00:00:00:01');
    ip('-n', this.near, 'addr', 'add', `10.${subnet}.0.1/24`, 'dev', near);
    ip('-n', this.far, 'addr', 'add', `10.${subnet}.0.2/24`, 'dev', there);
    ip('-n', this.near, 'link', 'set', near, 'up');
    ip('-n', this.far, 'link', 'set', there, 'up');
    ip('-n', this.far, 'neigh', 'add', `10.${subnet}.0.1`, 'lladdr', '02:00:00:00:00:01', 'dev', there);
  }

  compile(sources: Readonly<Record<string, string>>): void {
    compileInto(this.directory, sources);
  }

  inside<T>(body: () => T): T {
    return inNetns(kernel, `/run/netns/${this.near}`, body);
  }

  get root(): string {
    return join(this.#bpffs.path, 'store');
  }

  /** As the command opens it: what a killed process left is finished or removed. */
  get context(): TcxContext {
    return { sys: kernel, store: Store.open(kernel, this.root, { hasHappened: recoverChains }), time: null };
  }

  hook(name = 'va', direction: 'ingress' | 'egress' = 'ingress'): ChainHook {
    const { index } = readInterface(kernel, name);
    return { kind: 'tc', direction, interface: name, ifindex: index, netns: currentNetns() };
  }

  read(name = 'va'): RunningTcx {
    return this.inside(() => readTcx(this.context, this.hook(name)));
  }

  /** Names of what runs, in the order of the kernel. */
  order(name = 'va'): string[] {
    const { members } = this.read(name).state;
    return members.map(one => (one.lost === null ? one.name : `${one.name} (lost)`));
  }

  orderIn(netns: string, name: string): string[] {
    const { members } = inNetns(kernel, `/run/netns/${netns}`, () =>
      readTcx(this.context, this.hook(name)),
    ).state;
    return members.map(one => one.name);
  }

  apply(
    members: readonly Wanted[],
    options: TcxOptions = {},
    name = 'va',
    policy: Pick<ChainDesign, 'counters' | 'optimize'> = {},
  ) {
    return this.inside(() => {
      const design = {
        members: members.map((one, at) => designMember(this.directory, one, at)),
        failClosed: false,
        ...policy,
      };
      return applyTcx(this.context, this.hook(name), design, options);
    });
  }

  /** What the kernel has on the interface. */
  programs(name = 'va') {
    return this.inside(() => programsOn(kernel, readInterface(kernel, name).index, tcxAttachType('ingress')));
  }

  /** Ids of programs and links on the interface. */
  rows(name = 'va') {
    return this.programs(name)?.programs ?? [];
  }

  /** Programs that another tool attaches, until they are closed. */
  foreign(count: number): { readonly ids: readonly number[]; close(): void } {
    const open = Array.from({ length: count }, () => {
      const program = returning(kernel, 'other', [BPF_PROG_TYPE_SCHED_CLS], -1);
      const link = this.inside(() => attachTcx(kernel, program.fd.number, 'va', 'ingress'));
      return { program, link };
    });
    return {
      ids: open.map(({ link }) => link.info().id),
      close: () => {
        for (const { program, link } of open) for (const one of [link, program]) one.close();
      },
    };
  }

  /** As "bpftool link detach" does. */
  detach(linkId: number): void {
    const fd = openById(kernel, 'link', linkId);
    if (fd === undefined) throw new Error(`there is no link ${linkId}`);
    using link = new Attachment(kernel, fd, 'link');
    link.detach();
  }

  clean(options: { readonly dryRun?: boolean } = {}): string[] {
    return this.inside(() => this.cleanHere(options));
  }

  /** In the network namespace of the tests. */
  cleanHere(options: { readonly dryRun?: boolean } = {}): string[] {
    return cleanChains(this.context, options).removed.flatMap(({ kind, name }) =>
      kind === 'entry' ? [name] : [],
    );
  }

  readHere(hook: ChainHook): RunningTcx {
    return readTcx(this.context, hook);
  }

  /** A variable of a member: a u64 or an int at its offset in `.bss` or `.data`. */
  word(name: string, map: string, offset = 0): number {
    return this.wordOf(`tc-va-ingress-${name}`, map, offset);
  }

  /** The same of any entry. */
  wordOf(name: string, map: string, offset = 0): number {
    const { store } = this.context;
    const entry = store.find('hook', name);
    if (entry === undefined) throw new Error(`there is no entry ${name}`);
    using opened = store.openMap(entry, map);
    const bytes = opened.lookup(new Uint8Array(4)) ?? new Uint8Array(64);
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true));
  }

  /** As when pins are removed by hand. */
  removePin(name: string, pin: string): void {
    rmSync(join(this.root, 'hooks', `tc-va-ingress-${name}`, 'current', pin));
  }

  /** Filters stay without a store. */
  dropFilters(): void {
    spawnSync('tc', ['-n', this.near, 'qdisc', 'del', 'dev', 'va', 'clsact']);
  }

  /** What a member counted in its variables. */
  stat(name: string, which: 'seen' | 'last' | 'missed' | 'twice'): number {
    return this.word(name, '.bss', { seen: 0, last: 8, missed: 16, twice: 24 }[which]);
  }

  hits(name: string): number {
    return this.word(name, 'hits');
  }

  /** Sends one packet, and gives the mark that a member saw last. */
  send(subnet = 77): void {
    const line = `echo x > /dev/udp/10.${subnet}.0.1/9`;
    execFileSync('ip', ['netns', 'exec', this.far, 'bash', '-c', line], { stdio: 'ignore' });
  }

  /** Packets as fast as they can be made, until `stop()`. */
  traffic(): { stop(): void } {
    const line = 'exec 3> /dev/udp/10.77.0.1/9; while kill -0 $PPID; do echo x >&3; done';
    const child = spawn('ip', ['netns', 'exec', this.far, 'bash', '-c', line], { stdio: 'ignore' });
    return { stop: () => void child.kill('SIGKILL') };
  }

  /** What changes the chain in a process of its own. */
  static worker(): Promise<SteppedCommand> {
    const file = JSON.stringify(join(import.meta.dirname, 'tcx-worker.ts'));
    return bundleCommand(`
      import { work } from ${file};
      const [root, directory, edit] = process.argv.slice(2);
      work(root, directory, JSON.parse(edit));`);
  }

  #start(worker: SteppedCommand, root: string, edit: WorkerEdit, step: number) {
    const words = [process.execPath, worker.path, root, this.directory, JSON.stringify(edit)];
    const env = { ...process.env, ROOTLET_TEST_KILL: String(step) };
    return spawn('ip', ['netns', 'exec', this.near, ...words], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Another store whose only member comes and goes, until it is stopped. */
  disturb(worker: SteppedCommand, one: Wanted): () => Promise<void> {
    const child = this.#start(worker, join(this.#bpffs.path, 'other'), { kind: 'churn', member: one }, 0);
    const ended = new Promise<void>(resolve => {
      child.once('close', () => resolve());
    });
    return () => {
      child.kill('SIGKILL');
      return ended;
    };
  }

  /** Runs the worker, which kills itself before a step; 0: never. */
  work(
    worker: SteppedCommand,
    edit: WorkerEdit,
    step = 0,
  ): Promise<{ readonly code: number | string; readonly err: string }> {
    const child = this.#start(worker, this.root, edit, step);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      err += String(text);
    });
    return new Promise(resolve => {
      child.once('close', (code, signal) => resolve({ code: signal ?? code ?? -1, err }));
    });
  }

  /** An empty store, and nothing on the hook. */
  reset(): void {
    this.#bpffs.close();
    this.#bpffs = mountBpffs();
  }

  close(): void {
    this.#bpffs.close();
    for (const netns of [this.near, this.far]) ip('netns', 'del', netns);
    rmSync(this.directory, { recursive: true });
  }
}

export function ip(...words: readonly string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
