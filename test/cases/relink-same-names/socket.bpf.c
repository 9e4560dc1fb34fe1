#include "../case.h"

SEC("socket")
int prog(CONTEXT)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
