// SPDX-License-Identifier: MIT
/* Calls of every kind: subprograms, call-backs, tail calls, maps of maps, pointers to functions and maps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u32 notes[32];
__u32 logged;

static __always_inline void note(__u32 value)
{
	if (logged < 32)
		notes[logged] = value;
	logged++;
}

struct bpf_map;

struct value {
	__u64 count;
	__u32 weight;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} weights SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u64);
	__type(value, struct value);
} table SEC(".maps");

static int count_down(__u32 index, void *context)
{
	__u32 *total = context;

	*total += index;
	return index == 6;
}

static long visit(struct bpf_map *map, __u64 *key, struct value *value, void *context)
{
	__u32 *total = context;

	*total += *key * 1000 + value->weight;
	value->count++;
	return *key == 3;
}

static long visit_index(struct bpf_map *map, __u32 *key, struct value *value, void *context)
{
	__u32 *total = context;

	*total += *key * 100 + value->weight;
	return 0;
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
	struct value value = {};
	__u32 total = 0;
	__u64 key;
	__u32 index;

	logged = 0;
	note(bpf_loop(10, count_down, &total, 0));
	note(total);
	note(bpf_loop(3, count_down, &total, 0));
	note(bpf_loop(3, count_down, &total, 1));
	note(bpf_loop(1 << 24, count_down, &total, 0));
	for (int i = 0; i < 4; i++) {
		index = i;
		value.weight = index + 1;
		bpf_map_update_elem(&weights, &index, &value, 0);
	}
	total = 0;
	note(bpf_for_each_map_elem(&weights, visit_index, &total, 0));
	note(total);
	key = 3; /* one element: the order of more is the map's own affair */
	value.weight = 7;
	bpf_map_update_elem(&table, &key, &value, 0);
	total = 0;
	note(bpf_for_each_map_elem(&table, visit, &total, 0));
	note(total);
	note(bpf_for_each_map_elem(&table, visit, &total, 1));
	return total;
}

struct program_array {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
};

extern struct program_array programs SEC(".maps");

__u32 tail_calls;

SEC("xdp")
int tail_first(struct xdp_md *ctx)
{
	tail_calls++;
	bpf_tail_call(ctx, &programs, 1);
	return 100 + tail_calls;
}

SEC("xdp")
int tail_second(struct xdp_md *ctx)
{
	__u8 space[200];

	tail_calls++;
	bpf_xdp_load_bytes(ctx, 0, space, 14);
	bpf_tail_call(ctx, &programs, 3); /* an empty slot */
	bpf_tail_call(ctx, &programs, 9); /* no slot */
	bpf_tail_call(ctx, &programs, 0);
	return 200 + tail_calls;
}

/* The second program calls the first again, until the kernel has had enough. */
struct program_array programs SEC(".maps") = {
	.values = { [0] = (void *)&tail_first, [1] = (void *)&tail_second },
};

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	tail_calls = 0;
	bpf_tail_call(ctx, &programs, 0);
	return 1;
}

static __noinline int deeper(struct xdp_md *ctx, __u32 index)
{
	bpf_tail_call(ctx, &programs, index);
	return 5;
}

/* A tail call from a subprogram returns to the subprogram's caller. */
SEC("xdp")
int tail_from_subprogram(struct xdp_md *ctx)
{
	int verdict;

	tail_calls = 0;
	verdict = deeper(ctx, 3);
	verdict = verdict * 1000 + deeper(ctx, 0);
	return verdict;
}

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} inner_one SEC(".maps"), inner_two SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &inner_one, [2] = &inner_two },
};

SEC("xdp")
int map_of_maps(struct xdp_md *ctx)
{
	__u32 zero = 0, index;
	__u64 value = 40, *found;
	void *map;

	logged = 0;
	bpf_map_update_elem(&inner_one, &zero, &value, 0);
	value = 2;
	bpf_map_update_elem(&inner_two, &zero, &value, 0);
	value = 0;
	for (int i = 0; i < 4; i++) {
		index = i;
		map = bpf_map_lookup_elem(&outer, &index);
		note(map != 0);
		if (!map)
			continue;
		found = bpf_map_lookup_elem(map, &zero);
		if (found)
			value += *found;
		note(bpf_map_update_elem(map, &zero, &value, BPF_NOEXIST));
		note(bpf_map_delete_elem(map, &zero));
	}
	return value;
}

/* All eight frames, and stack in each of them. */
#define LEVEL(n, next) \
	static __noinline int level##n(struct xdp_md *ctx, int value) \
	{ \
		volatile char space[24]; \
\
		space[value & 15] = value; \
		return next(ctx, value + 1) + space[value & 15]; \
	}

static __noinline int level7(struct xdp_md *ctx, int value)
{
	return value * 10 + (ctx->data_end - ctx->data);
}

LEVEL(6, level7)
LEVEL(5, level6)
LEVEL(4, level5)
LEVEL(3, level4)
LEVEL(2, level3)
LEVEL(1, level2)

SEC("xdp")
int frames(struct xdp_md *ctx)
{
	return level1(ctx, 3);
}

char _license[] SEC("license") = "Dual MIT/GPL";
