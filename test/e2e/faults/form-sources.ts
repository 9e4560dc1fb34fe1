/** Objects that commands are run with, and how a state is named. Separate from the commands, which share both. */

import { firewall, HEAD, rootlet, staged } from '../replace/sources.ts';
import { PREFIX as P } from './lab.ts';

/** An XDP program that returns `verdict`, with a map and a variable. */
const xdp = (verdict: number, name = 'prog'): string => `${HEAD}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); }
  ${P}counts SEC(".maps");
__u64 seen;
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&${P}counts, &key);
  if (count) __sync_fetch_and_add(count, 1);
  seen++;
  return ${verdict};
}`;

const classifier = (verdict: number, name = 'cls'): string => `${HEAD}
__u64 seen;
SEC("tc") int ${P}${name}(struct __sk_buff *skb) { seen++; return ${verdict}; }`;

const provider = (version: number): string => `${HEAD}
__u64 seen;
__attribute__((noinline)) int judge(struct xdp_md *ctx) { seen++; return ctx ? ${10 + version} : 0; }
__attribute__((noinline)) int allow(struct xdp_md *ctx) { seen++; return ctx ? ${20 + version} : 0; }`;

/** `added`: to the verdict of what it calls. */
const consumer = (name: string, added = 0, extern = 'judge'): string => `${HEAD}
extern int ${extern}(struct xdp_md *ctx);
SEC("xdp") int ${P}${name}(struct xdp_md *ctx) { return ${extern}(ctx) + ${added}; }`;

/** Of a cgroup, known by its name; and of netfilter, which drops all. */
const other = (name: string, section: string, verdict: number): string => `${HEAD}
__u64 seen;
SEC("${section}") int ${P}${name}(void *ctx) { seen++; return ${verdict}; }`;

export const SOURCES: Readonly<Record<string, string>> = {
  one: xdp(11),
  two: xdp(12),
  cls: classifier(11),
  'cls.v2': classifier(12),
  next: classifier(13, 'more'),
  host: rootlet(P, 2),
  'host.v2': rootlet(P, 2, { globals: '__u64 added;', before: 'added++;' }),
  part: staged(P, 1),
  'part.v2': staged(P, 2),
  lib: provider(1),
  'lib.v2': provider(2),
  user: consumer('user'),
  'user.v2': consumer('user', 10),
  caller: consumer('caller'),
  'caller.v2': consumer('caller', 10),
  other: consumer('other', 0, 'allow'),
  fw: firewall(P, 2),
  group: other('group', 'cgroup/sock_create', 1),
  'group.v2': other('group2', 'cgroup/sock_create', 1),
  netfilter: other('nf', 'netfilter', 0),
  pass: xdp(2, 'pass'),
};

/** `old` or `new` where a value is that of before or after a command; else the value. */
export const among = (value: unknown, old: unknown, next: unknown): string => {
  const text = JSON.stringify(value);
  if (text === JSON.stringify(old)) return 'old';
  return text === JSON.stringify(next) ? 'new' : text;
};
