// SPDX-License-Identifier: MIT
/* A program whose function, variable and map are all defined in first.bpf.c. */
#include "packet.h"

extern int foo(struct xdp_md *ctx);
extern __u32 minimum;

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static volatile __u32 calls;

SEC("xdp")
int count(struct xdp_md *ctx)
{
	int verdict = foo(ctx);
	__u32 slot = verdict == XDP_PASS;
	__u64 *counter;

	calls++;
	if (minimum == 0)
		return XDP_ABORTED;
	counter = bpf_map_lookup_elem(&counters, &slot);
	if (counter)
		__sync_fetch_and_add(counter, 1);
	return verdict;
}

char _license[] SEC("license") = "Dual MIT/GPL";
