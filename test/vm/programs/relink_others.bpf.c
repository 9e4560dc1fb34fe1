// SPDX-License-Identifier: MIT
/* Programs for slots: one that changes the packet, one that the kernel refuses, one for the slot of values. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int rl_changing(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 2) == 0 ? XDP_REDIRECT : XDP_ABORTED;
}

SEC("xdp")
int rl_refused(struct xdp_md *ctx)
{
	return *(int *)(long)ctx->data;
}

SEC("xdp")
int rl_weigh(struct xdp_md *ctx, int packets)
{
	return packets + 1;
}

SEC("xdp")
int rl_unsigned(struct xdp_md *ctx, unsigned int packets)
{
	return packets + 1;
}

char _license[] SEC("license") = "GPL";
