#include "../case.h"

struct value {
	__u32 misses;
};

struct same {
	__u32 hits;
};

#define MAP(name, map_type, entries, flags, type_of_value) \
	struct { \
		__uint(type, map_type); \
		__uint(max_entries, entries); \
		__uint(map_flags, flags); \
		__type(key, __u32); \
		__type(value, type_of_value); \
	} name SEC(".maps")

MAP(by_type, BPF_MAP_TYPE_LRU_HASH, 4, 0, struct value);
MAP(by_entries, BPF_MAP_TYPE_ARRAY, 5, 0, struct value);
MAP(by_flags, BPF_MAP_TYPE_HASH, 4, 0, struct value);
MAP(by_value, BPF_MAP_TYPE_HASH, 4, 0, struct value);

LICENSE("Dual MIT/GPL");
