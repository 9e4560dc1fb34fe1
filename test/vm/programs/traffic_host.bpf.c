// SPDX-License-Identifier: MIT
/* A rootlet that counts all packets, and those that a slot's own code judges. */
#include "traffic.h"

__weak __noinline int slot1(struct xdp_md *ctx)
{
	count(1);
	return XDP_PASS;
}

__weak __noinline int slot2(struct xdp_md *ctx)
{
	count(1);
	return XDP_DROP;
}

SEC("xdp")
int rl_host(struct xdp_md *ctx)
{
	if (!mark(ctx))
		return XDP_PASS;
	count(0);
	slot1(ctx);
	return slot2(ctx);
}
