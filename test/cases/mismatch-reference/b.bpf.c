#include "../case.h"

int number = 3, variable = 4;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} map SEC(".maps"), untyped SEC(".maps");

int function(void)
{
	return 1;
}

LICENSE("Dual MIT/GPL");
