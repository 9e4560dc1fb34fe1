// CASE: tables of functions in .struct_ops keep pointing at the functions of their own file
// LINK: a b
// LINK: b a
// EXPECT-SYMBOL: ops_a section=.struct_ops size=16
// EXPECT-REFERENCE: ops_a -> start_a
// EXPECT-REFERENCE: ops_b -> start_b
// EXPECT-REFERENCE: ops_b -> stop_b
// EXPECT-KERNEL-SKIP: the kernel has no such operations
#include "../case.h"

struct rootlet_ops {
	int (*start)(__u64 *context);
	int (*stop)(__u64 *context);
};

SEC("struct_ops/start_a")
int start_a(__u64 *context)
{
	return 1;
}

SEC(".struct_ops")
struct rootlet_ops ops_a = {
	.start = start_a,
};

LICENSE("Dual MIT/GPL");
