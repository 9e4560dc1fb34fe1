#include "../case.h"

struct counters {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};

struct counters counters SEC(".maps");

LICENSE("Dual MIT/GPL");
