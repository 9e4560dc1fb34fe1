// CFLAGS: -fcommon
#include "../case.h"

int shared;
__u64 wide;

PROGRAM prog_b(CONTEXT)
{
	shared += 5;
	wide++;
	return shared;
}

LICENSE("Dual MIT/GPL");
