#include "../case.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} state SEC(".maps");

int total = 40;

__noinline int work(int number)
{
	__u32 key = 1;
	__u32 *value = bpf_map_lookup_elem(&state, &key);

	if (!value)
		return -1;
	*value += number;
	total += *value;
	return total; /* 43 the first time */
}

int unused(int number)
{
	return number;
}

PROGRAM prog(CONTEXT)
{
	return work(ctx->len ? 3 : 0);
}

LICENSE("Dual MIT/GPL");
