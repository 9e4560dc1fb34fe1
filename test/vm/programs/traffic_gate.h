/* SPDX-License-Identifier: MIT */
/*
 * A version (0 or 1) of a rootlet with a slot and a stage of its own. Counted: all packets, those that the slot's own code
 * judged, by version in the stage, packets that met two versions, and those that met an empty array.
 */
#define COUNTS 8
#include "traffic.h"

__weak __noinline int slot1(struct xdp_md *ctx)
{
	count(1);
	return XDP_PASS;
}

SEC("xdp")
int rl_after(struct xdp_md *ctx)
{
	unsigned char *byte = mark(ctx);

	if (byte)
		count(byte[1] == VERSION + 1 ? 2 + VERSION : 4);
	return XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(void *));
} rl_afters SEC(".maps") = { .values = { [0] = (void *)&rl_after } };

SEC("xdp")
int rl_gate(struct xdp_md *ctx)
{
	unsigned char *byte = mark(ctx);

	if (!byte)
		return XDP_PASS;
	count(0);
	byte[1] = VERSION + 1;
	slot1(ctx);
	bpf_tail_call(ctx, &rl_afters, 0);
	count(5);
	return XDP_DROP;
}
