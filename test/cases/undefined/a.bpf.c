// CASE: names that nothing defines are told together, each with who refers to it and what might have been meant
// LINK: a b
// EXPECT-ERROR: link-undefined did you mean "compute"
// EXPECT-ERROR: link-undefined remove "static" there
// EXPECT-ERROR: link-undefined a.bpf.c:
// EXPECT-ERROR: link-undefined "nowhere_map" is not defined in any input
// LINK-PARTIAL: a b
// EXPECT-UNRESOLVED: comptue hidden_away nowhere nowhere_map
// EXPECT-NOT-LOADABLE:
#include "../case.h"

extern int comptue(int number);
extern int hidden_away(int number);
extern int nowhere;

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nowhere_map SEC(".maps");

PROGRAM prog(CONTEXT)
{
	__u32 key = 0;

	bpf_map_delete_elem(&nowhere_map, &key);
	return comptue(1) + hidden_away(2) + nowhere;
}

LICENSE("Dual MIT/GPL");
