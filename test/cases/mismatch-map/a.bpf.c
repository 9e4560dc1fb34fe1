// CASE: map definitions that disagree are refused, with the first field that differs
// LINK: a b
// LINK: b a
// EXPECT-ERROR: link-map-mismatch "by_type"
// EXPECT-ERROR: link-map-mismatch "by_entries"
// EXPECT-ERROR: link-map-mismatch "by_flags"
// EXPECT-ERROR: link-map-mismatch "by_value"
#include "../case.h"

struct value {
	__u32 hits;
};

#define MAP(name, map_type, entries, flags) \
	extern struct { \
		__uint(type, map_type); \
		__uint(max_entries, entries); \
		__uint(map_flags, flags); \
		__type(key, __u32); \
		__type(value, struct value); \
	} name SEC(".maps")

MAP(by_type, BPF_MAP_TYPE_HASH, 4, 0);
MAP(by_entries, BPF_MAP_TYPE_ARRAY, 4, 0);
MAP(by_flags, BPF_MAP_TYPE_HASH, 4, BPF_F_NO_PREALLOC);
MAP(by_value, BPF_MAP_TYPE_HASH, 4, 0);

PROGRAM prog(CONTEXT)
{
	__u32 key = 0;

	bpf_map_delete_elem(&by_type, &key);
	bpf_map_delete_elem(&by_entries, &key);
	bpf_map_delete_elem(&by_flags, &key);
	bpf_map_delete_elem(&by_value, &key);
	return 0;
}

LICENSE("Dual MIT/GPL");
