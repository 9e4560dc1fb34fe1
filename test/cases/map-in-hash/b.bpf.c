#include "../case.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct inner inner_b SEC(".maps");

int fill(int number)
{
	__u32 zero = 0;

	return bpf_map_update_elem(&inner_b, &zero, &number, BPF_ANY);
}

LICENSE("Dual MIT/GPL");
