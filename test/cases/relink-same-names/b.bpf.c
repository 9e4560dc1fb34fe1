#include "../case.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u64);
	__type(value, __u64);
} state SEC(".maps");

long total = 100;

__noinline int work(int number)
{
	__u64 key = 7, fresh = number;
	__u64 *value;

	bpf_map_update_elem(&state, &key, &fresh, BPF_ANY);
	value = bpf_map_lookup_elem(&state, &key);
	if (!value)
		return -1;
	total += *value;
	return total; /* 112 the first time */
}

PROGRAM prog(CONTEXT)
{
	return work(ctx->len ? 12 : 0);
}

LICENSE("Dual MIT/GPL");
