// SPDX-License-Identifier: MIT
/* Needs what needs others. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int between(struct xdp_md *ctx);

SEC("xdp")
int top(struct xdp_md *ctx)
{
	return between(ctx);
}

char _license[] SEC("license") = "GPL";
