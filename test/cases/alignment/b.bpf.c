#include "../case.h"

char small_b = 3;
__u64 wide = 30;
char text_b[3] = "ab";
int aligned_b __attribute__((aligned(32))) = 40;

PROGRAM prog_b(CONTEXT)
{
	return small_b + wide + aligned_b + text_b[2];
}

LICENSE("Dual MIT/GPL");
