/* SPDX-License-Identifier: MIT */
/* A version (0 or 1) of the component for a slot (1 or 2). */
#include "traffic.h"

SEC("xdp")
int rl_part(struct xdp_md *ctx)
{
	unsigned char *version = mark(ctx);

	if (!version)
		return XDP_PASS;
#if SLOT == 1
	*version = VERSION + 1;
#else
	if (*version != VERSION + 1)
		count(2);
#endif
	count(VERSION);
	return SLOT == 1 ? XDP_PASS : XDP_DROP;
}
