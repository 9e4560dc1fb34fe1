// SPDX-License-Identifier: MIT
/* A program with functions to replace. What it returns tells what each of them returned. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* A call that may change the packet lets a replacement do so; it is never reached. */
static __always_inline void may_change_packet(struct xdp_md *ctx)
{
	volatile int never = 0;

	if (never)
		bpf_xdp_adjust_head(ctx, 0);
}

__noinline int slot_a(struct xdp_md *ctx)
{
	volatile int value = 1;

	may_change_packet(ctx);
	return ctx ? value : 0;
}

__noinline int slot_b(struct xdp_md *ctx)
{
	volatile int value = 2;

	may_change_packet(ctx);
	return ctx ? value : 0;
}

__noinline int slot_c(struct xdp_md *ctx)
{
	volatile int value = 3;

	return ctx ? value : 0;
}

struct pair {
	int first;
	int second;
};

__noinline long slot_of_values(const struct pair *pair, int number, unsigned long wide)
{
	return pair ? pair->first + number + wide : 0;
}

static __noinline int local(struct xdp_md *ctx)
{
	volatile int value = 5;

	return ctx ? value : 0;
}

SEC("xdp")
int sum(struct xdp_md *ctx)
{
	struct pair pair = {.first = 10, .second = 20};

	return slot_a(ctx) + 16 * slot_b(ctx) + 256 * slot_c(ctx) + 4096 * local(ctx) +
	       65536 * slot_of_values(&pair, 1, 2);
}

SEC("xdp")
int other(struct xdp_md *ctx)
{
	return slot_a(ctx);
}

/* Not far from the limit of the stack, and what it calls may use as much again when it is replaced. */
SEC("xdp")
int deep(struct xdp_md *ctx)
{
	volatile char room[400];

	room[0] = 1;
	room[399] = 2;
	return room[0] + room[399] + slot_c(ctx);
}

char _license[] SEC("license") = "GPL";
