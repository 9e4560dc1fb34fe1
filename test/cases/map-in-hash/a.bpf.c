// CASE: initial values of hash tables of maps are found under their index
// LINK: a b
// EXPECT-REFERENCE: outer -> first
// EXPECT-REFERENCE: outer -> inner_b
// EXPECT-RUN: prog 42
// LINK: b a
// EXPECT-RUN: prog 42
#include "../case.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct inner first SEC(".maps");
extern struct inner inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &first, [2] = &inner_b },
};

extern int fill(int number);

PROGRAM prog(CONTEXT)
{
	__u32 key = 2, zero = 0;
	__u32 *value;
	void *map;

	fill(42);
	map = bpf_map_lookup_elem(&outer, &key);
	if (!map)
		return -1;
	value = bpf_map_lookup_elem(map, &zero);
	return value ? *value : -2;
}

LICENSE("Dual MIT/GPL");
