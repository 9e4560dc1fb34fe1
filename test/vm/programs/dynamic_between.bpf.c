// SPDX-License-Identifier: MIT
/* Defines for some what it needs of others. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int judge(struct xdp_md *ctx);

int between_calls;

__noinline int between(struct xdp_md *ctx)
{
	between_calls++;
	return judge(ctx) + 40;
}

char _license[] SEC("license") = "GPL";
