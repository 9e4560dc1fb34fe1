// SPDX-License-Identifier: MIT
/* A rootlet: two slots, called in turn until one of them has an opinion. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Slots are weak, so that another definition may take their place, and the compiler may not look into them. */
__weak __noinline int dummy1(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;

	return ctx ? verdict : XDP_ABORTED;
}

__weak __noinline int dummy2(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;

	return ctx ? verdict : XDP_ABORTED;
}

SEC("xdp")
int rootlet(struct xdp_md *ctx)
{
	int verdict;

	verdict = dummy1(ctx);
	if (verdict != XDP_PASS)
		return verdict;
	verdict = dummy2(ctx);
	if (verdict != XDP_PASS)
		return verdict;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
