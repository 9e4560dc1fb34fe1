// SPDX-License-Identifier: MIT
/* Functions that other objects bind to once this one is loaded, with the state that they work on. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef VERSION
#define VERSION 1
#endif

struct pair {
	int first;
	int second;
};

int calls;

/* The context alone: any back end. */
__noinline int judge(struct xdp_md *ctx)
{
	calls++;
	return (void *)(long)ctx->data_end - (void *)(long)ctx->data < 40 ? 100 : VERSION;
}

/* Numbers and a pointer to a struct: no tail call can pass them. */
__noinline int sum(struct pair *pair, int more)
{
	calls++;
	return pair ? pair->first + pair->second + more + VERSION * 1000 : 0;
}

/* Moves the end of the packet. */
__noinline int cut(struct xdp_md *ctx)
{
	calls++;
	return bpf_xdp_adjust_tail(ctx, -4) == 0 ? VERSION : 0;
}

/* Much stack of its own. */
__noinline int deep(struct xdp_md *ctx)
{
	char room[448];

	calls++;
	room[0] = VERSION;
	room[447] = 1;
	asm volatile("" : : "r"(room) : "memory"); /* all of it is used */
	return ctx ? room[0] + room[447] : 0;
}

/* A pointer that the kernel's comparison refuses. */
__noinline int first_byte(const char *text)
{
	calls++;
	return text ? *text : 0;
}

char _license[] SEC("license") = "GPL";
