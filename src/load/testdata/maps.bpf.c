// SPDX-License-Identifier: MIT
/* A map of every type that an object can declare, static values of arrays of programs and of maps, and pins. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, kind, entries, key_type, value_type)      \
	struct {                                            \
		__uint(type, BPF_MAP_TYPE_##kind);          \
		__uint(max_entries, entries);               \
		__type(key, key_type);                      \
		__type(value, value_type);                  \
	} name SEC(".maps")

#define STORAGE(name, kind)                                 \
	struct {                                            \
		__uint(type, BPF_MAP_TYPE_##kind);          \
		__uint(map_flags, BPF_F_NO_PREALLOC);       \
		__type(key, int);                           \
		__type(value, long);                        \
	} name SEC(".maps")

#define BUFFER(name, kind, entries)                         \
	struct {                                            \
		__uint(type, BPF_MAP_TYPE_##kind);          \
		__uint(max_entries, entries);               \
	} name SEC(".maps")

struct value {
	long count;
	int pair[2];
};
struct prefix {
	__u32 length;
	__u8 address[4];
};

MAP(hash, HASH, 10, int, struct value);
MAP(array, ARRAY, 10, int, struct value);
MAP(percpu_hash, PERCPU_HASH, 10, int, struct value);
MAP(percpu_array, PERCPU_ARRAY, 10, int, struct value);
MAP(lru_hash, LRU_HASH, 10, int, struct value);
MAP(lru_percpu, LRU_PERCPU_HASH, 10, int, struct value);
MAP(devmap, DEVMAP, 4, int, int);
MAP(devmap_hash, DEVMAP_HASH, 4, int, struct bpf_devmap_val);
MAP(cpumap, CPUMAP, 4, int, struct bpf_cpumap_val);
MAP(xskmap, XSKMAP, 4, int, int);
MAP(sockmap, SOCKMAP, 4, int, __u64);
MAP(sockhash, SOCKHASH, 4, int, __u64);
MAP(reuseport, REUSEPORT_SOCKARRAY, 4, int, __u64);
MAP(cgroups, CGROUP_ARRAY, 4, int, int);

STORAGE(sk_storage, SK_STORAGE);
STORAGE(task_storage, TASK_STORAGE);
STORAGE(inode_storage, INODE_STORAGE);
#define BPF_MAP_TYPE_CGRP_STORAGE 32 /* newer than the header */
STORAGE(cgroup_storage, CGRP_STORAGE);

/* Not a multiple of a page: rounded up by loaders. */
BUFFER(ring, RINGBUF, 5000);
BUFFER(user_ring, USER_RINGBUF, 4096);
/* No entries: one for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, int);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, int);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, int);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, int);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 80);
} traces SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, long);
};
struct inner inner_one SEC(".maps");
struct inner inner_two SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} array_of_maps SEC(".maps") = {
	.values = { [1] = (void *)&inner_one, [3] = (void *)&inner_two },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} hash_of_maps SEC(".maps") = {
	.values = { (void *)&inner_one },
};

int third(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(int));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [2] = (void *)&third },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, int);
	__type(value, long);
} pinned SEC(".maps");

SEC("xdp")
int third(struct xdp_md *ctx)
{
	return 33;
}

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, ctx->rx_queue_index + 2);
	return 1;
}

SEC("xdp")
int write_inner(struct xdp_md *ctx)
{
	int key = 3, zero = 0;
	void *inner = bpf_map_lookup_elem(&array_of_maps, &key);
	long *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;

	if (!value)
		return 0;
	*value = 77;
	return 1;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	int key = 1;
	long one = 1;
	struct value *value = bpf_map_lookup_elem(&array, &key);

	if (value) {
		value->count++;
		value->pair[1] = -5;
	}
	bpf_map_update_elem(&pinned, &key, &one, BPF_ANY);
	return 2;
}

char _license[] SEC("license") = "GPL";
