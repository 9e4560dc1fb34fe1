// SPDX-License-Identifier: MIT
/* One program for each mistake that the verifier is known to find; none of them is loaded unless asked for. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, long);
} counts SEC(".maps");

SEC("?xdp")
int no_bounds(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	return data[12];
}

SEC("?xdp")
int no_null_check(struct xdp_md *ctx)
{
	int key = 1;
	long *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1;
	return XDP_PASS;
}

SEC("?xdp")
int endless(struct xdp_md *ctx)
{
	volatile int turns = 0;

	while (ctx->data) {
		turns++;
		if (turns == -1)
			break;
	}
	return turns;
}

/* Fills an array on the stack that the compiler cannot take apart. */
#define FILLED(room)                             \
	char room[304];                          \
	__builtin_memset(room, 1, sizeof(room)); \
	asm volatile("" : : "r"(room) : "memory")

static __noinline int deep(int number)
{
	FILLED(room);
	return room[number & 255];
}

SEC("?xdp")
int too_much_stack(struct xdp_md *ctx)
{
	FILLED(room);
	return deep(ctx->ingress_ifindex) + room[0];
}

SEC("?xdp")
int uninitialised(struct xdp_md *ctx)
{
	register int value asm("r6");

	asm volatile("" : "=r"(value));
	return value;
}

/* The mistake is in a function of its own, which the verifier checks for any argument. */
__noinline int global(int *number)
{
	return *number;
}

SEC("?xdp")
int in_global_function(struct xdp_md *ctx)
{
	int number = 3;

	return global(&number);
}

SEC("?xdp")
int wrong_helper(struct xdp_md *ctx)
{
	return bpf_skb_pull_data((void *)ctx, 20);
}

SEC("?xdp")
int gpl_helper(struct xdp_md *ctx)
{
	char text[8];

	bpf_probe_read_kernel(text, sizeof(text), ctx);
	return text[0];
}

extern int not_there(int number) __ksym __weak;

SEC("?xdp")
int calls_missing(struct xdp_md *ctx)
{
	return not_there(ctx->ingress_ifindex);
}

SEC("?xdp")
int asks_before_calling(struct xdp_md *ctx)
{
	if (not_there)
		return not_there(ctx->ingress_ifindex);
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} unreleased SEC(".maps");

SEC("?xdp")
int keeps_record(struct xdp_md *ctx)
{
	int *record = bpf_ringbuf_reserve(&unreleased, sizeof(*record), 0);

	return record ? XDP_PASS : XDP_DROP;
}

SEC("?xdp")
int outside_value(struct xdp_md *ctx)
{
	__u32 key = 0;
	char *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		value[ctx->rx_queue_index] = 1;
	return XDP_PASS;
}

SEC("?xdp")
int writes_context(struct xdp_md *ctx)
{
	ctx->ingress_ifindex = 3;
	return XDP_PASS;
}

SEC("?cgroup/sysctl")
int strange_verdict(struct bpf_sysctl *ctx)
{
	return 7;
}

char _license[] SEC("license") = "MIT";
