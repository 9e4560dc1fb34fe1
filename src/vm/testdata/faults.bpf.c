// SPDX-License-Identifier: MIT
/* Programs with the mistakes that the machine has to find. The first byte of the packet says which. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 count;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(map_flags, BPF_F_RDONLY_PROG);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 64);
} stacks SEC(".maps");

const volatile __u32 constants[4] = { 1, 2, 3, 4 };
__u32 table[4];

extern int missing(struct xdp_md *ctx);
extern int bpf_kernel_function(struct xdp_md *ctx) __ksym;
extern int bpf_weak_function(struct xdp_md *ctx) __ksym __weak;

static __noinline __u8 byte_at(struct xdp_md *ctx, __u32 offset)
{
	__u8 *data = (void *)(long)ctx->data;

	return data[offset];
}

static __noinline __u64 count_of(struct value *value)
{
	return value->count;
}

static __noinline void count(__u64 *where)
{
	__sync_fetch_and_add(where, 1);
}

static __noinline int endless(int n)
{
	volatile int i = n;

	while (i != -1)
		i = i + 2;
	return i;
}

SEC("xdp")
int packet_end(struct xdp_md *ctx)
{
	return byte_at(ctx, 64);
}

SEC("xdp")
int packet_start(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return *(data - 1);
}

SEC("xdp")
int packet_word(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return *(__u32 *)(data + 62);
}

SEC("xdp")
int null_value(struct xdp_md *ctx)
{
	__u32 key = 7;
	struct value *value = bpf_map_lookup_elem(&blocked, &key);

	return count_of(value);
}

SEC("xdp")
int value_end(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u32 *value = bpf_map_lookup_elem(&counters, &key);

	value[4] = 1;
	return 0;
}

SEC("xdp")
int read_only_map(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&limits, &key);

	*value = 1;
	return 0;
}

SEC("xdp")
int read_only_data(struct xdp_md *ctx)
{
	__u32 *where = (__u32 *)&constants[ctx->rx_queue_index & 3];

	asm volatile("" : "+r"(where));
	*where = 5;
	return 0;
}

SEC("xdp")
int data_end(struct xdp_md *ctx)
{
	return table[4 + ctx->rx_queue_index];
}

SEC("xdp")
int misaligned(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u8 *value = bpf_map_lookup_elem(&counters, &key);

	count((void *)(value + 3));
	return 0;
}

SEC("xdp")
int helper_argument(struct xdp_md *ctx)
{
	__u32 key = 1;
	void *value = bpf_map_lookup_elem(&counters, &key);

	return bpf_xdp_load_bytes(ctx, 0, value, 17);
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	return endless(0);
}

SEC("xdp")
int no_helper(struct xdp_md *ctx)
{
	return bpf_get_stackid(ctx, &blocked, 0);
}

SEC("xdp")
int other_helper(struct xdp_md *ctx)
{
	return bpf_skb_pull_data((void *)ctx, 0);
}

SEC("xdp")
int no_map(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_delete_elem(&stacks, &key);
}

SEC("xdp")
int no_function(struct xdp_md *ctx)
{
	return missing(ctx);
}

SEC("xdp")
int no_kernel_function(struct xdp_md *ctx)
{
	return bpf_kernel_function(ctx);
}

/* Asks first, as one should. */
SEC("xdp")
int weak_kernel_function(struct xdp_md *ctx)
{
	return bpf_weak_function ? bpf_weak_function(ctx) : 42;
}

/* Never runs what the machine does not have. */
SEC("xdp")
int not_taken(struct xdp_md *ctx)
{
	if (ctx->rx_queue_index == 12345)
		return bpf_kernel_function(ctx) + missing(ctx) + bpf_get_stackid(ctx, &blocked, 0);
	return 43;
}

SEC("tc")
int read_only_field(struct __sk_buff *skb)
{
	*(volatile __u32 *)&skb->len = 1;
	return 0;
}

SEC("cgroup_skb/ingress")
int read_only_packet(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;

	*(volatile __u8 *)data = 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
