#include "../case.h"

int number = 7;

int triple(int x)
{
	return x * 3;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

LICENSE("Dual MIT/GPL");
