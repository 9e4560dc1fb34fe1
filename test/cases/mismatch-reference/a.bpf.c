// CASE: a reference that its definition cannot satisfy is refused, whatever is declared
// LINK-ANY-ORDER: a b
// EXPECT-ERROR: link-reference-kind calls "number", which is a variable
// EXPECT-ERROR: link-reference-kind calls "untyped", which is a map
// EXPECT-ERROR: link-reference-kind accesses the memory of "function", which is a function
// EXPECT-ERROR: link-reference-kind accesses the memory of "map", which is a map
// EXPECT-ERROR: link-reference-kind uses as a map "variable", which is a variable
#include "../case.h"

extern int number;

PROGRAM prog(CONTEXT)
{
	asm volatile("call number" : : : "r0", "r1", "r2", "r3", "r4", "r5");
	asm volatile("call untyped" : : : "r0", "r1", "r2", "r3", "r4", "r5");
	asm volatile("r1 = function ll\nr0 = *(u32 *)(r1 + 0)" : : : "r0", "r1");
	asm volatile("r1 = map ll\nr2 = r1\n*(u32 *)(r2 + 0) = r1" : : : "r1", "r2");
	asm volatile("r6 = variable ll\nr1 = r6\nr2 = r10\nr2 += -4\ncall 1"
		     : : : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	return number;
}

LICENSE("Dual MIT/GPL");
