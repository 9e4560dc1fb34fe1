// CASE: inner maps that disagree are refused: the loader would create one of them for both files
// LINK: a b
// LINK: b a
// EXPECT-ERROR: link-map-mismatch inner map: value_size
// EXPECT-ERROR: link-map-mismatch an inner map is defined only
#include "../case.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} by_inner SEC(".maps");

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} by_presence SEC(".maps");

PROGRAM prog(CONTEXT)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&by_inner, &key) || bpf_map_lookup_elem(&by_presence, &key);
}

LICENSE("Dual MIT/GPL");
