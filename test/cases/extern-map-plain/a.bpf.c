// CASE: a map declared without SEC(".maps") finds its definition; the definition gives the kind, in every order and after a partial link
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: counters kind=map section=.maps from=b
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 42
// LINK: (a) b
// EXPECT-SYMBOL: counters kind=map section=.maps
// EXPECT-RUN: prog 42
// LINK: a (b)
// EXPECT-RUN: prog 42
#include "../case.h"

struct counters {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};

extern struct counters counters;

PROGRAM prog(CONTEXT)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (!value)
		return -1;
	*value += 42;
	return *value;
}

LICENSE("Dual MIT/GPL");
