#include "../case.h"

int function_or_variable = 3;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} variable_or_map SEC(".maps");

LICENSE("Dual MIT/GPL");
