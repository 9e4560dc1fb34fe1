// CASE: static functions used as callbacks are found behind those of the other file
// LINK: a b
// LINK: b a
// EXPECT-REFERENCE: prog_a -> body
// EXPECT-RUN: prog_a 45
// EXPECT-RUN: prog_b 285
#include "../case.h"

static __noinline int first(int number)
{
	return number;
}

static int body(__u32 index, __u64 *sum)
{
	*sum += first(index);
	return 0;
}

PROGRAM prog_a(CONTEXT)
{
	__u64 sum = 0;

	bpf_loop(10, body, &sum, 0);
	return sum;
}

LICENSE("Dual MIT/GPL");
