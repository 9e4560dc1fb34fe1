#include "../case.h"

int a_target(CONTEXT);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(CONTEXT));
} jumps SEC(".maps") = {
	.values = { [0] = (void *)&a_target },
};

static int body(__u32 index, int *sum)
{
	*sum += index;
	return 0;
}

PROGRAM a_target(CONTEXT)
{
	return 1000;
}

PROGRAM unused(CONTEXT)
{
	return 5;
}

PROGRAM prog(CONTEXT)
{
	int sum = 0;

	if (ctx->len > 1000000)
		bpf_tail_call(ctx, &jumps, 0);
	bpf_loop(10, body, &sum, 0);
	return sum; /* 45 */
}

LICENSE("Dual MIT/GPL");
