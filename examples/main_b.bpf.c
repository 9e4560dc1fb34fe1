// SPDX-License-Identifier: MIT
/* The other one: drops IPv4 packets whose time to live runs out here. */
#include "packet.h"

static volatile __u64 others;

SEC("xdp")
int xdp_main(struct xdp_md *ctx)
{
	struct iphdr *ip = ipv4_header(ctx);

	if (!ip)
		return XDP_PASS;
	if (ip->ttl > 1)
		return XDP_PASS;
	others++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
