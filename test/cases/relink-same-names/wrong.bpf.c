#include "../case.h"

PROGRAM prog(struct __sk_buff *ctx, int more)
{
	return more;
}

LICENSE("Dual MIT/GPL");
