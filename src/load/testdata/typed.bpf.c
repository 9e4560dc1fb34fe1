// SPDX-License-Identifier: MIT
/* What types of TypeScript are made of: every kind of C type in maps, variables and records. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color {
	RED = 1,
	GREEN = 2,
};

struct flow {
	__be32 saddr;
	__u16 port;
	__u8 proto;
	__u8 class;
};

typedef struct {
	char name[16];
	__u64 packets;
	enum color color;
	_Bool known;
	__u32 small : 3;
	__u32 : 5;
	__u32 rest : 24;
	union {
		__u32 word;
		__u8 bytes[4];
	};
	struct {
		__s16 x, y;
	} at;
	__s32 list[12];
} stats_t;

struct event {
	__u32 number;
	__u64 time;
	struct flow flow;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, stats_t);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__type(value, struct event);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 12);
} bytes SEC(".maps");

volatile const __u32 first_port = 80;
__u32 limit = 5;
__u64 total = 0;
struct flow last = {};
enum color paint = GREEN;

SEC("xdp")
int watch(struct xdp_md *ctx)
{
	struct flow flow = { .saddr = 7, .port = first_port, .proto = 17 };
	stats_t fresh = { .name = "flow", .packets = 1, .color = RED, .known = 1, .small = 5, .rest = 99 };
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&totals, &zero);
	stats_t *stats = bpf_map_lookup_elem(&flows, &flow);
	struct event *event = bpf_ringbuf_reserve(&records, sizeof(*event), 0);
	__u32 *part;

	fresh.word = 0x01020304;
	fresh.at.y = -2;
	fresh.list[11] = -11;
	last = flow;
	if (count)
		*count += 1;
	if (stats)
		stats->packets++;
	else
		bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
	if (event) {
		event->number = total;
		event->time = 1ULL << 40;
		event->flow = flow;
		bpf_ringbuf_submit(event, 0);
	}
	part = bpf_ringbuf_reserve(&plain, 4, 0);
	if (part) {
		*part = total;
		bpf_ringbuf_submit(part, 0);
	}
	total++;
	return total > limit ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct event event = { .number = total, .time = 9, .flow = { .port = 3 } };

	return bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event)) == 0;
}

char _license[] SEC("license") = "GPL";
