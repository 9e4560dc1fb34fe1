// SPDX-License-Identifier: MIT
/* A rootlet with three slots for programs and one with values; its verdict tells which of them were filled. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 rounds;

#define SLOT(name)                                    \
	__weak __noinline int name(struct xdp_md *ctx) \
	{                                             \
		volatile int verdict = XDP_PASS;      \
		return ctx ? verdict : 0;             \
	}

SLOT(slot1)
SLOT(slot2)
SLOT(slot3)

__weak __noinline int weigh(struct xdp_md *ctx, int packets)
{
	volatile int weight = packets;

	return ctx ? weight : 0;
}

SEC("xdp")
int rl_host(struct xdp_md *ctx)
{
	int verdict = XDP_PASS, one;

	rounds++;
	one = slot1(ctx);
	if (one != XDP_PASS)
		verdict = one;
	one = slot2(ctx);
	if (one != XDP_PASS)
		verdict = one;
	one = slot3(ctx);
	if (one != XDP_PASS)
		verdict = one;
	return weigh(ctx, 1) == 1 ? verdict : 9;
}

char _license[] SEC("license") = "GPL";
