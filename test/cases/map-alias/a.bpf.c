// CASE: another name of a map is that map; the result has one name
// LINK: a
// EXPECT-SYMBOL: numbers kind=map from=a
// EXPECT-NO-SYMBOL: same_numbers
// EXPECT-SECTION: .maps size=32
// EXPECT-RUN: prog 0
// LINK: (a)
// EXPECT-SYMBOL: numbers kind=map
// EXPECT-RUN: prog 0
#include "../case.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");
extern __typeof(numbers) same_numbers __attribute__((alias("numbers")));

PROGRAM prog(CONTEXT)
{
	__u32 key = 0;
	__u32 *number = bpf_map_lookup_elem(&numbers, &key);

	return number ? *number : 1;
}

LICENSE("Dual MIT/GPL");
