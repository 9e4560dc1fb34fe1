/**
 * C for tests of `rootlet replace`: rootlets with slots, firewalls with rules and counters, components of two stages.
 *
 * Names of programs and maps begin with a prefix of the test file, so that what it leaves in the kernel is found among
 * what other tests have there just now. Verdicts of XDP: 0 means that code of two versions met, 1 that a tail call fell
 * through, 2 is a slot's own code.
 */

/** Verdicts that are failures of `staged` code. */
export const MIXED = 0;
export const FELL_THROUGH = 1;
/** Verdict of a slot's own code. */
export const OWN = 2;

export const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
`;

/** A rootlet with `count` slots, s1 and so on; the verdict is that of the last one that is not 2. */
export function rootlet(prefix: string, count: number, more: Partial<RootletParts> = {}): string {
  const { main = `${prefix}host`, globals = '', before = '' } = more;
  const slots = more.slots ?? Array.from({ length: count }, (_, at) => `s${at + 1}`);
  return `${HEAD}
${slots.map(slot => `__weak __noinline int ${slot}(struct xdp_md *ctx) { volatile int verdict = 2; return ctx ? verdict : 0; }`).join('\n')}
__u64 rounds;
${globals}
SEC("xdp") int ${main}(struct xdp_md *ctx) {
  int verdict = 2, one;
  rounds++;
  ${before}
${slots.map(slot => `  one = ${slot}(ctx); if (one != 2) verdict = one;`).join('\n')}
  return verdict;
}`;
}

interface RootletParts {
  readonly main: string;
  readonly slots: readonly string[];
  readonly globals: string;
  readonly before: string;
}

export interface FirewallParts {
  /** Type of values in the map of rules. */
  readonly value?: string;
  readonly entries?: number;
  /** Variables besides the counter `seen`, before it. */
  readonly variables?: string;
  readonly code?: string;
  readonly pinned?: boolean;
  /** Name of the map; default `PREFIXrules`. */
  readonly map?: string;
}

/** A firewall: a hash map of rules, a counter of packets `seen`, a constant `verdict`. */
export function firewall(prefix: string, verdict: number, parts: FirewallParts = {}): string {
  const {
    value = '__u64',
    entries = 8,
    variables = '',
    code = '',
    pinned = false,
    map = `${prefix}rules`,
  } = parts;
  return `${HEAD}
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, ${entries});
  __type(key, __u32); __type(value, ${value});
  ${pinned ? '__uint(pinning, LIBBPF_PIN_BY_NAME);' : ''}
} ${map} SEC(".maps");
${variables}
__u64 seen;
const volatile __u32 verdict = ${verdict};
SEC("xdp") int ${prefix}fw(struct xdp_md *ctx) {
  __u32 key = 1;
  seen++;
  ${code}
  return bpf_map_lookup_elem(&${map}, &key) ? verdict + 100 : verdict;
}`;
}

export interface StagedParts {
  /** Section of the programs. */
  readonly section?: string;
  /** Verdict of the stage, when the entry is of its version; default 10 + version. */
  readonly verdict?: number;
  readonly more?: string;
  /** Code of the entry, before the tail call. */
  readonly code?: string;
}

/**
 * A component of two stages. The entry leaves its version in the packet and calls the stage through an array of programs;
 * the stage compares. No packet may meet an entry and a stage of different versions, nor an empty array.
 */
export function staged(prefix: string, version: number, parts: StagedParts = {}): string {
  const { verdict = 10 + version, more = '', code = '' } = parts;
  return `${HEAD}
${versionMark()}
static __u64 passed;
SEC("xdp") int ${prefix}stage(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  if (!mark) return 0;
  passed++;
  return *mark == ${version} ? ${verdict} : ${MIXED};
}
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
  __array(values, int (void *));
} ${prefix}next SEC(".maps") = { .values = { [0] = (void *)&${prefix}stage } };
${more}
SEC("xdp") int ${prefix}entry(struct xdp_md *ctx) {
  unsigned char *mark = mark_of(ctx);
  if (!mark) return 0;
  *mark = ${version};
  ${code}
  bpf_tail_call(ctx, &${prefix}next, 0);
  return ${FELL_THROUGH};
}`;
}

/** The byte of a packet that holds the version of the entry. */
export function versionMark(): string {
  return `static __always_inline unsigned char *mark_of(struct xdp_md *ctx) {
  unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  return data + 64 > end ? 0 : data + 60;
}`;
}
