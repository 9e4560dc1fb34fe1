// SPDX-License-Identifier: MIT
/* One of two programs whose entry has one name: drops what is not IPv4, IPv6 or ARP. */
#include "packet.h"

static volatile __u64 others;

SEC("xdp")
int xdp_main(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
	case bpf_htons(ETH_P_IPV6):
	case bpf_htons(ETH_P_ARP):
		return XDP_PASS;
	}
	others++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
