// SPDX-License-Identifier: MIT
/* What a user of the machine sees: contexts, clocks, random numbers, maps of all types, events, configuration. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum state {
	CLOSED,
	OPEN,
	BROKEN = 9,
};

struct flow {
	__u32 address;
	__u16 port;
};

struct entry {
	enum state state;
	char name[8];
	__u64 hits;
	struct {
		__u8 low : 3;
		__u8 high : 5;
	} bits;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, struct entry);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u32);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 100);
	__type(key, __u32);
	__type(value, __u32);
} lengths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(key_size, 8);
	__uint(value_size, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 8);
	__type(value, __u32);
} seen SEC(".maps");

extern unsigned long CONFIG_HZ __kconfig;
extern int CONFIG_MISSING __kconfig __weak;
extern char CONFIG_NAME[8] __kconfig;
extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF __kconfig;

enum state current = OPEN;
static volatile __u64 counter = 3;
const volatile char label[] = "label";
int *pointer = 0;

SEC("xdp")
int context(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex * 1000 + ctx->rx_queue_index * 100 + (ctx->data_end - ctx->data);
}

SEC("xdp")
int clock(struct xdp_md *ctx)
{
	return (bpf_ktime_get_ns() - 1000000000) / 1000;
}

SEC("xdp")
int wall_clock(struct xdp_md *ctx)
{
	return bpf_ktime_get_tai_ns() / 1000000000;
}

SEC("xdp")
int random(struct xdp_md *ctx)
{
	return bpf_get_prandom_u32();
}

SEC("xdp")
int remember(struct xdp_md *ctx)
{
	struct flow flow = { .address = 7, .port = 80 };
	struct entry entry = { .state = OPEN, .name = "http", .hits = 1, .bits = { 5, 17 } };
	struct entry *found;
	__u32 key = (ctx->data_end - ctx->data) % 100, one = 1;
	__u32 *length;

	found = bpf_map_lookup_elem(&flows, &flow);
	if (found)
		found->hits++;
	else
		bpf_map_update_elem(&flows, &flow, &entry, BPF_ANY);
	bpf_map_update_elem(&recent, &key, &one, BPF_ANY);
	length = bpf_map_lookup_elem(&lengths, &key);
	if (length)
		(*length)++;
	counter++;
	bpf_printk("packet of %d bytes", ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("xdp")
int events(struct xdp_md *ctx)
{
	__u8 record[4] = { 1, 2, 3, 4 };

	bpf_ringbuf_output(&ring, record, sizeof(record), 0);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU | (2ULL << 32), record, sizeof(record));
	return XDP_PASS;
}

SEC("xdp")
int redirects(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp")
int redirect_out(struct xdp_md *ctx)
{
	return bpf_redirect(42, 0);
}

SEC("xdp")
int lookups(struct xdp_md *ctx)
{
	__u8 key[8] = {};
	__u32 *route, value = 5;

	*(__u32 *)key = 32;
	__builtin_memset(key + 4, 10, 4);
	route = bpf_map_lookup_elem(&routes, key);
	return (route ? *route : 0) * 10 + (bpf_map_peek_elem(&seen, &value) == 0);
}

SEC("xdp")
int config(struct xdp_md *ctx)
{
	return CONFIG_HZ + CONFIG_MISSING + (CONFIG_NAME[1] == 'b') * 10000 + (LINUX_KERNEL_VERSION == 0x060c00) * 20000 +
	       CONFIG_BPF * 40000;
}

SEC("tc")
int marks(struct __sk_buff *skb)
{
	skb->mark += 5;
	skb->priority = skb->ifindex;
	skb->cb[2] = 77;
	return skb->queue_mapping;
}

char _license[] SEC("license") = "GPL";
