// CASE: externs of assembly have no types; their references say what they are, and they are bound by name
// LINK-ANY-ORDER: a b
// EXPECT-SYMBOL: triple kind=function from=b
// EXPECT-SYMBOL: number kind=variable from=b
// EXPECT-SYMBOL: numbers kind=map from=b
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 16
// LINK: (a) b
// EXPECT-UNRESOLVED:
// EXPECT-RUN: prog 16
#include "../case.h"

PROGRAM prog(CONTEXT)
{
	long called, loaded, found;
	__u32 key = 0;

	asm volatile("r1 = 3\n"
		     "call triple\n"
		     "%0 = r0"
		     : "=r"(called) : : "r0", "r1", "r2", "r3", "r4", "r5");
	asm volatile("r1 = number ll\n"
		     "%0 = *(u32 *)(r1 + 0)"
		     : "=r"(loaded) : : "r1");
	asm volatile("r1 = numbers ll\n"
		     "r2 = %1\n"
		     "call 1\n"
		     "if r0 == 0 goto +1\n"
		     "r0 = *(u32 *)(r0 + 0)\n"
		     "%0 = r0"
		     : "=r"(found) : "r"(&key) : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
	return called + loaded + found;
}

LICENSE("Dual MIT/GPL");
