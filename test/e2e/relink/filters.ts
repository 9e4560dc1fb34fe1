/** Filters that test the same fields, each in a file of its own, and packets for all of their branches. */

/** Source of an XDP filter that drops TCP packets to a port, and counts them if it has a map. */
export function portFilter(name: string, port: number): string {
  return `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __attribute__((noinline)) int count(void)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&hits, &key);

	if (value)
		*value += 1;
	return XDP_DROP;
}

SEC("xdp") int ${name}(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 54 > end || data[12] != 8 || data[13] || data[23] != 6)
		return XDP_PASS;
	return data[36] * 256 + data[37] == ${port} ? count() : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
`;
}

/** A rootlet with the slots `one` and `two`; what passes the first goes to the second. */
export const TWO_SLOTS = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__weak __attribute__((noinline)) int one(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;
	return ctx ? verdict : XDP_ABORTED;
}

__weak __attribute__((noinline)) int two(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;
	return ctx ? verdict : XDP_ABORTED;
}

SEC("xdp") int rootlet(struct xdp_md *ctx)
{
	int verdict = one(ctx);
	return verdict == XDP_PASS ? two(ctx) : verdict;
}

char _license[] SEC("license") = "GPL";
`;

/** A packet of IPv4 with a protocol and a destination port, cut to a length. */
export function ipPacket(protocol: number, port: number, length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  const set = (at: number, value: number): void => {
    if (at < length) bytes[at] = value;
  };
  for (const [at, value] of [
    [12, 8],
    [14, 0x45],
    [23, protocol],
    [36, port >> 8],
    [37, port & 255],
  ] as const)
    set(at, value);
  return bytes;
}

/** Ports of both sides of each test, other protocols, and packets that are too short. */
export const PACKETS: readonly Uint8Array[] = [
  ...[22, 23, 24, 25, 26, 80, 23 * 256, 256 + 23].map(port => ipPacket(6, port)),
  ...[23, 25].map(port => ipPacket(17, port)),
  ...[14, 20, 53, 54, 55].flatMap(length => [ipPacket(6, 23, length), ipPacket(6, 25, length)]),
  new Uint8Array(64),
];
