#include "../case.h"

struct rootlet_ops {
	int (*start)(__u64 *context);
	int (*stop)(__u64 *context);
};

SEC("struct_ops/start_b")
int start_b(__u64 *context)
{
	return 2;
}

SEC("struct_ops/stop_b")
int stop_b(__u64 *context)
{
	return 3;
}

SEC(".struct_ops")
struct rootlet_ops ops_b = {
	.start = start_b,
	.stop = stop_b,
};

LICENSE("Dual MIT/GPL");
