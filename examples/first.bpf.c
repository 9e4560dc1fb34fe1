// SPDX-License-Identifier: MIT
/* Defines what second.bpf.c declares extern: a function, a variable and a map. */
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Packets shorter than this are dropped. */
__u32 minimum = 60;

static volatile __u32 calls;

__noinline int foo(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	calls++;
	return end - data < minimum ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
