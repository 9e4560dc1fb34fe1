// CASE: an extern map finds its definition in another file, whichever comes first; its offset in .maps is right
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: shared kind=map section=.maps from=b
// EXPECT-SYMBOL: own kind=map section=.maps from=a
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 42
#include "../case.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

extern struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} shared SEC(".maps");

extern int read_shared(int key);

PROGRAM prog(CONTEXT)
{
	__u32 key = 7, value = 40;
	__u32 zero = 0;
	__u64 *slot = bpf_map_lookup_elem(&own, &zero);

	if (!slot)
		return -1;
	*slot += 2;
	bpf_map_update_elem(&shared, &key, &value, BPF_ANY);
	return read_shared(7) + *slot;
}

LICENSE("Dual MIT/GPL");
