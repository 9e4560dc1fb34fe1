// CASE: static maps of one name in two files are two maps
// LINK: a b
// LINK: b a
// EXPECT-RUN: prog_a 3
// EXPECT-RUN: prog_b 15
// EXPECT-LIBBPF-SKIP: it refuses static maps
#include "../case.h"

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} table SEC(".maps");

PROGRAM prog_a(CONTEXT)
{
	__u32 zero = 0;
	__u32 *value = bpf_map_lookup_elem(&table, &zero);

	if (!value)
		return -1;
	*value += 3;
	return *value;
}

LICENSE("Dual MIT/GPL");
