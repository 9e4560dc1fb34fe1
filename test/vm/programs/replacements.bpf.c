// SPDX-License-Identifier: MIT
/* What takes the place of the functions in slots.bpf.c, and what may not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int calls;

/* Fits every slot that takes the context; counts its calls. */
SEC("freplace")
int counting(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	return 9;
}

SEC("freplace")
int eight(struct xdp_md *ctx)
{
	return 8;
}

struct pair {
	int first;
	int second;
};

SEC("freplace")
long second_of_pair(const struct pair *pair, int number, unsigned long wide)
{
	return pair ? pair->second : 0;
}

struct other_pair {
	int first;
	int second;
};

SEC("freplace")
long of_another_struct(const struct other_pair *pair, int number, unsigned long wide)
{
	return 0;
}

SEC("freplace")
long of_fewer_arguments(const struct pair *pair, int number)
{
	return 0;
}

SEC("freplace")
int using_stack(struct xdp_md *ctx)
{
	volatile char room[480];

	room[0] = 3;
	room[479] = 4;
	return room[0] + room[479];
}

SEC("freplace")
int changing_packet(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 0) ? 7 : 6;
}

char _license[] SEC("license") = "GPL";
