#include "../case.h"

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 5);
	__type(key, __u16);
	__type(value, __u64);
} table SEC(".maps");

PROGRAM prog_b(CONTEXT)
{
	__u16 key = 9;
	__u64 number = 15;
	__u64 *value;

	bpf_map_update_elem(&table, &key, &number, BPF_ANY);
	value = bpf_map_lookup_elem(&table, &key);
	return value ? *value : -1;
}

LICENSE("Dual MIT/GPL");
