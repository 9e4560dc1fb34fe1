#include "../case.h"

struct {
	__uint(max_entries, 8); /* the order of members does not matter */
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u32);
} shared SEC(".maps");

int read_shared(int key)
{
	__u32 *value = bpf_map_lookup_elem(&shared, &key);

	return value ? *value : -1;
}

LICENSE("Dual MIT/GPL");
