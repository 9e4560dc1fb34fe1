#include "../case.h"

SEC("xdp")
int prog(struct xdp_md *ctx)
{
	return 2;
}

LICENSE("Dual MIT/GPL");
