/* SPDX-License-Identifier: MIT */
/*
 * A version (0 or 1) of a component of two stages: the entry leaves its version in the packet, the stage compares.
 * Counted: by version in the stage, then packets that met two versions, and those that met an empty array.
 */
#include "traffic.h"

SEC("xdp")
int rl_stage(struct xdp_md *ctx)
{
	unsigned char *version = mark(ctx);

	if (version)
		count(*version == VERSION + 1 ? VERSION : 2);
	return XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} rl_next SEC(".maps") = { .values = { [1] = (void *)&rl_stage } };

SEC("xdp")
int rl_part(struct xdp_md *ctx)
{
	unsigned char *version = mark(ctx);

	if (!version)
		return XDP_PASS;
	*version = VERSION + 1;
	bpf_tail_call(ctx, &rl_next, 1);
	count(3);
	return XDP_DROP;
}
