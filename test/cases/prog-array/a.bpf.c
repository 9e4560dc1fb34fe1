// CASE: initial values of program arrays follow their programs, static subprograms of both files in between
// LINK-ANY-ORDER: a b
// EXPECT-REFERENCE: jumps -> target
// EXPECT-REFERENCE: jumps -> own
// EXPECT-RUN: jump 7
// EXPECT-LIBBPF-SKIP: bpftool lets go of the program array, which empties it
#include "../case.h"

extern int target(CONTEXT);
int own(CONTEXT);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(CONTEXT));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&own, [3] = (void *)&target },
};

PROGRAM own(CONTEXT)
{
	return 8;
}

PROGRAM jump(CONTEXT)
{
	bpf_tail_call(ctx, &jumps, 3);
	return -3;
}

LICENSE("Dual MIT/GPL");
