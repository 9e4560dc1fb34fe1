#include "../case.h"

static int body(__u32 index, __u64 *sum)
{
	*sum += index * index;
	return 0;
}

PROGRAM prog_b(CONTEXT)
{
	__u64 sum = 0;

	bpf_loop(10, body, &sum, 0);
	return sum;
}

LICENSE("Dual MIT/GPL");
